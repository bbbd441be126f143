import type { LabError } from '../model/errors.ts'

/** The end of a connection, and who has to hear of it. */
export interface Loss {
  /** Calls back once when the connection is gone, at once if it is gone already; the returned function calls it off. */
  tell(listener: (error: LabError) => void): () => void
  /** Says that it is gone. */
  happened(error: LabError): void
}

/** A connection that is not lost yet. */
export function loss(): Loss {
  const listeners = new Set<(error: LabError) => void>()
  let gone: LabError | undefined
  return {
    tell(listener) {
      if (gone === undefined) listeners.add(listener)
      else listener(gone)
      return () => listeners.delete(listener)
    },
    happened(error) {
      gone = error
      for (const listener of [...listeners]) listener(error)
      listeners.clear()
    },
  }
}
