import type { LogRecord } from '../model/service-logging.ts'

/** A line of a central log file; undefined for what is none, such as one that is only half written yet. */
export function parseRecord(text: string): LogRecord | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  return isRecord(value) ? value : undefined
}

/** A moment as the log files write it, down to the zone: texts compare as times do. */
export function logTime(date: Date): string {
  return `${date.toISOString().slice(0, -1)}000`
}

function isRecord(value: unknown): value is LogRecord {
  if (typeof value !== 'object' || value === null) return false
  return ['time', 'node', 'service', 'task', 'stream', 'line'].every(
    (key) => typeof (value as Readonly<Record<string, unknown>>)[key] === 'string',
  )
}
