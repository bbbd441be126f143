import { LabError } from '../model/errors.ts'

/**
 * Does work for each, one after the other: a failure of one does not stop the others. Returns the failures. Throws at once
 * what is no `LabError`, and whatever fails once the signal is aborted.
 */
export async function tryEach<T>(
  signal: AbortSignal,
  items: readonly T[],
  work: (item: T) => Promise<void>,
  tell: (item: T, error: LabError) => void = () => undefined,
): Promise<readonly LabError[]> {
  const failures: LabError[] = []
  for (const item of items) {
    try {
      await work(item)
    } catch (error) {
      if (!(error instanceof LabError) || signal.aborted) throw error
      failures.push(error)
      tell(item, error)
    }
  }
  return failures
}
