import { UsageError } from '../model/errors.ts'

/** Less holds no filesystem's own bookkeeping. */
const LEAST_BYTES = 1024 * 1024

/** Pure: a limit as the scripts on nodes take it. Throws a `UsageError` for one that no volume can keep. */
export function limitText(bytes: number): string {
  if (Number.isSafeInteger(bytes) && bytes >= LEAST_BYTES && bytes < 1e15) return String(bytes)
  throw new UsageError(`not a size a volume can be limited to: ${String(bytes)} bytes`, {
    hint: 'at least 1 MiB, a whole number of bytes',
  })
}
