import { UsageError } from '../model/errors.ts'

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Reads `10s`, `5m`, `1h`, `1d` into milliseconds. Throws `UsageError` for anything else. */
export function interval(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count === undefined) throw new UsageError(`"${text}" is not a time: write it like 10s, 5m or 1h`)
  return Number(count) * (UNITS[unit] ?? 0)
}
