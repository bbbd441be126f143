import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Reporter, RunEvent } from '../model/events.ts'

/** How much of the past is kept. */
export interface RecordLimits {
  readonly runs: number
  readonly bytesPerRun: number
  /** Of all runs together that are over. @default 64 MiB */
  readonly bytesInAll?: number
}

/** An event as it is kept, with its time since the start of the run in milliseconds. */
export type RecordedEvent = RunEvent & { readonly atMs: number }

/** The last line of the record of a run that came to its end, whichever. */
export interface RunEnd {
  readonly type: 'run-ended'
  readonly atMs: number
}

const LIMITS: RecordLimits = { runs: 50, bytesPerRun: 8 * 2 ** 20 }
const BYTES_IN_ALL = 64 * 2 ** 20

/** Digits of a run's number in the name of its record, so that names sort as numbers do. */
const DIGITS = 6

/**
 * Keeps every event of a run in `<directory>/<number>-<command>.jsonl`, readable by its owner only, and forgets the oldest
 * runs. Writes at once, so that the record of a run that was killed holds all that happened.
 */
export function recordRun(directory: string, command: string, limits: RecordLimits = LIMITS): Reporter {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  forgetOldest(directory, limits)
  const number = takeNumber(directory)
  const name = `${String(number).padStart(DIGITS, '0')}-${command}.jsonl`
  const file = openSync(join(directory, name), 'a', 0o600)
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
      // A run without this line was killed.
      const ended: RunEnd = { type: 'run-ended', atMs: Math.round(performance.now() - started) }
      writeSync(file, `${JSON.stringify(ended)}\n`)
      closeSync(file)
    },
  }
}

/** Number of a run, by the name of its record. */
export function runNumber(name: string): number | undefined {
  const digits = /^(\d{6,})-[a-z-]+\.jsonl$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** The next number. Of two runs that begin at the same moment only one can make the file that stands for it. */
function takeNumber(directory: string): number {
  const taken = readdirSync(directory).flatMap((name) => runNumber(name) ?? /^\.(\d+)$/.exec(name)?.[1] ?? [])
  for (let number = Math.max(0, ...taken.map(Number)) + 1; ; number++) {
    try {
      writeFileSync(join(directory, `.${String(number)}`), `${String(number)}\n`, { flag: 'wx', mode: 0o600 })
      for (const older of taken) rmSync(join(directory, `.${String(older)}`), { force: true })
      return number
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** Makes room for one more run: the latest ones stay, as many as fit. */
function forgetOldest(directory: string, { runs, bytesInAll = BYTES_IN_ALL }: RecordLimits): void {
  for (const { path } of oldRecords(directory, { runs: runs - 1, bytesInAll })) rmSync(path, { force: true })
}

/** Records beyond the latest ones, by their number and their bytes in all. */
export function oldRecords(
  directory: string,
  { runs, bytesInAll = BYTES_IN_ALL }: Pick<RecordLimits, 'runs' | 'bytesInAll'>,
): readonly { readonly name: string; readonly path: string; readonly bytes: number }[] {
  if (!existsSync(directory)) return []
  const records = readdirSync(directory).filter((name) => name.endsWith('.jsonl'))
  // Records from before runs had numbers are the oldest.
  const latest = records.sort((a, b) => (runNumber(b) ?? 0) - (runNumber(a) ?? 0) || (a < b ? 1 : -1))
  let sum = 0
  return latest.flatMap((name, index) => {
    const path = join(directory, name)
    // Another run may have taken it away meanwhile.
    const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0
    sum += bytes
    return index >= runs || sum > bytesInAll ? [{ name, path, bytes }] : []
  })
}
