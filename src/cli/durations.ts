import { UsageError } from '../model/errors.ts'
import { parseInterval } from '../model/interval.ts'

/** Reads `10s`, `5m`, `1h`, `1d` into milliseconds. Throws `UsageError` for anything else. */
export function interval(text: string): number {
  const ms = parseInterval(text)
  if (ms === undefined) throw new UsageError(`"${text}" is not a time: write it like 10s, 5m or 1h`)
  return ms
}
