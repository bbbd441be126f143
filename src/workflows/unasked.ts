import type { Check } from '../model/check.ts'
import { engineMessage, isRemoteError } from '../model/engine-error.ts'

/** Pure: that something could not be asked for, and why. Throws an error that neither a node nor an engine brought about. */
export function unasked(name: string, hint: string, error: unknown): Check {
  if (!isRemoteError(error)) throw error
  return { name, ok: false, detail: `could not be asked for: ${engineMessage(error)}`, hint }
}
