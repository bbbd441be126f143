import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Reporter, RunEvent } from '../model/events.ts'

/** How much of the past is kept. */
export interface RecordLimits {
  readonly runs: number
  readonly bytesPerRun: number
}

const LIMITS: RecordLimits = { runs: 50, bytesPerRun: 8 * 2 ** 20 }

/**
 * Keeps every event of a run in `<directory>/<time>-<command>.jsonl`, readable by its owner only, and forgets the oldest
 * runs. Writes at once, so that the record of a run that was killed holds all that happened.
 */
export function recordRun(
  directory: string,
  command: string,
  limits: RecordLimits = LIMITS,
  at: Date = new Date(),
): Reporter {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  forgetOldest(directory, limits.runs - 1)
  const id = `${at.toISOString().replace(/[:.]/g, '-')}-${String(process.pid)}-${command}`
  const file = openSync(join(directory, `${id}.jsonl`), 'a', 0o600)
  let room = limits.bytesPerRun

  const write = (event: RunEvent, atMs: number) => {
    const line = `${JSON.stringify({ ...event, atMs })}\n`
    // The last word is always kept, however much was said before.
    const last = event.type === 'error' || event.type === 'recap' || event.type === 'done'
    if (line.length > room && !last) return
    room -= line.length
    writeSync(file, line)
  }
  const started = performance.now()
  return {
    on: (event) => {
      write(event, Math.round(performance.now() - started))
    },
    close: () => {
      closeSync(file)
    },
  }
}

function forgetOldest(directory: string, keep: number): void {
  const runs = readdirSync(directory)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
  for (const name of runs.slice(0, Math.max(0, runs.length - keep))) rmSync(join(directory, name), { force: true })
}
