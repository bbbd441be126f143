import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunEvent } from '../model/events.ts'
import { UsageError } from '../model/errors.ts'
import { runNumber, type RecordedEvent, type RunEnd } from './run-record.ts'

type StepEvent = Extract<RunEvent, { type: 'step' }>

/** A run of the past, as its record tells it. */
export interface PastRun {
  readonly number: number
  /** As typed behind `lab`. */
  readonly command: string
  /** When it began, ISO 8601. */
  readonly at: string
  readonly durationMs: number
  /** `cut-off`: its process ended before it could say how it went. */
  readonly outcome: 'done' | 'failed' | 'cut-off'
  readonly changed: number
  /** What it failed of. */
  readonly error: string | undefined
}

/** A run with everything that was told of it. */
export interface FullRun extends PastRun {
  readonly events: readonly RecordedEvent[]
}

/** A step that two runs did not do alike; undefined where one of them did not come to it. */
export interface RunDifference {
  readonly node: string
  readonly play: string
  readonly title: string
  readonly first: StepEvent | undefined
  readonly second: StepEvent | undefined
}

/** What two runs did not do alike. */
export interface RunComparison {
  readonly first: PastRun
  readonly second: PastRun
  readonly differences: readonly RunDifference[]
}

/** All runs on record, the latest first. */
export function pastRuns(directory: string): readonly PastRun[] {
  return numbersIn(directory).map((number) => summaryOf(readRun(directory, number)))
}

/** One run; below 0 it counts from the latest, which is -1. Throws `UsageError` when it is not kept. */
export function pastRun(directory: string, number: number): FullRun {
  const known = numbersIn(directory)
  const wanted = number < 0 ? known[-number - 1] : number
  if (wanted !== undefined && known.includes(wanted)) return readRun(directory, wanted)
  throw new UsageError(
    `there is no run ${String(number)} on record`,
    {
      hint:
        known.length === 0
          ? 'there is none at all yet'
          : `kept: ${String(known.at(-1))} to ${String(known[0])}; lab runs`,
    },
    'UNKNOWN_RUN',
  )
}

/** What `find` makes of the latest event that it makes anything of; undefined when none is on record. */
export function lastTold<T>(directory: string, find: (event: RunEvent) => T | undefined): T | undefined {
  for (const number of numbersIn(directory)) {
    for (const event of readRun(directory, number).events.toReversed()) {
      const found = find(event)
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** Two runs, and the steps whose outcome or changes differ between them, in the order of the first that has them. */
export function compareRuns(first: FullRun, second: FullRun): RunComparison {
  const keyOf = ({ node, play, title }: StepEvent) => JSON.stringify([node, play, title])
  const stepsOf = ({ events }: FullRun) =>
    new Map(events.flatMap((event) => (event.type === 'step' ? [[keyOf(event), event] as const] : [])))
  const [one, two] = [stepsOf(first), stepsOf(second)]
  const differences = [...new Set([...one.keys(), ...two.keys()])].flatMap((key) => {
    const [before, after] = [one.get(key), two.get(key)]
    const told = before ?? after
    if (told === undefined || said(before) === said(after)) return []
    const { node, play, title } = told
    return [{ node, play, title, first: before, second: after }]
  })
  return { first: summaryOf(first), second: summaryOf(second), differences }
}

/** A run without its events. */
function summaryOf({ number, command, at, durationMs, outcome, changed, error }: FullRun): PastRun {
  return { number, command, at, durationMs, outcome, changed, error }
}

/** What of a step counts in a comparison. Where nothing was to be done it is as if it had not been there. */
function said(step: StepEvent | undefined): string {
  if (step === undefined || step.outcome === 'ok' || step.outcome === 'skipped') return ''
  return JSON.stringify([step.outcome, step.changes, step.diff])
}

/** The latest first. */
function numbersIn(directory: string): readonly number[] {
  let names: readonly string[]
  try {
    names = readdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return names.flatMap((name) => runNumber(name) ?? []).sort((a, b) => b - a)
}

function readRun(directory: string, number: number): FullRun {
  const name = readdirSync(directory).find((each) => runNumber(each) === number) ?? ''
  const lines = readFileSync(join(directory, name), 'utf8').split('\n')
  const told = lines.flatMap((line) => parsed(line) ?? [])
  const events = told.filter((event): event is RecordedEvent => event.type !== 'run-ended')
  const started = events.find((event) => event.type === 'run-started')
  const recap = events.findLast((event) => event.type === 'recap')
  const error = events.findLast((event) => event.type === 'error')
  const ended = told.at(-1)?.type === 'run-ended'
  const changed = events.filter((event) => event.type === 'step' && event.outcome === 'changed').length
  return {
    number,
    command: started?.command ?? name.replace(/^\d+-|\.jsonl$/g, ''),
    at: started?.at ?? '',
    durationMs: told.at(-1)?.atMs ?? 0,
    outcome: error !== undefined ? 'failed' : ended ? 'done' : 'cut-off',
    changed: recap?.changed ?? changed,
    error: error?.message.split('\n')[0]?.replace(/:$/, ''),
    events,
  }
}

/** A record that was cut off may end in the middle of a line. */
function parsed(line: string): RecordedEvent | RunEnd | undefined {
  try {
    return JSON.parse(line) as RecordedEvent | RunEnd
  } catch {
    return undefined
  }
}
