import { UsageError } from '../model/errors.ts'

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * The moment a user means by `--since`: a duration back from now (`30s`, `10m`, `1h30m`, `2d`), or a date and time in
 * ISO form (of this machine's zone when it names none). Throws a `UsageError`.
 */
export function parseSince(text: string, now: Date): Date {
  if (/^(\d+[smhd])+$/.test(text)) {
    const parts = [...text.matchAll(/(\d+)([smhd])/g)]
    const back = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ''] ?? 0), 0)
    return checked(new Date(now.getTime() - back), text)
  }
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) throw notAMoment(text)
  // A date alone is read as UTC by the language, as local time by people.
  return checked(new Date(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T')), text)
}

function checked(date: Date, text: string): Date {
  if (Number.isNaN(date.getTime())) throw notAMoment(text)
  return date
}

function notAMoment(text: string): UsageError {
  return new UsageError(`"${text}" is no time to start from`, {
    where: '--since',
    hint: 'use how long ago (30s, 10m, 1h30m, 2d) or when (2026-11-21T12:30)',
  })
}
