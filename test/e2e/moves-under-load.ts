import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { judgeAttempts, startHttpWriter } from '../../src/chaos/numbered-client.ts'
import { seeded } from '../../src/chaos/seeded.ts'
import { waitFor } from '../../src/model/wait.ts'
import { bookAnswers } from './client.ts'
import { container, docker, ensureSample, labDocument, labOk, type Event } from './harness.ts'
import { PAUSE_MS, startDatabaseClient } from './numbered-clients.ts'
import { killNode, startLab, strike, type Fault, type Running, type Struck } from './volume-faults.ts'
import { VolumeObserver } from './volume-observer.ts'
import { judgeRecords } from './witness-records.ts'

const WORKERS = ['node1', 'node2', 'node3']
const NODES = ['mgmt', ...WORKERS]
const WITNESS = join(import.meta.dirname, 'witness')
/** The volumes that move: the sample's database, and the one that tells who wrote to it. */
export const VOLUMES = ['mongo-data', 'witness-data']
/** Where in a move a fault strikes is a share of this. */
const USUAL_MS = 8000

/** How each phase of a move announces itself. */
const PHASES = {
  precopy: /^copy \S+ from/,
  quiesce: /^stop /,
  final: /^copy the last changes/,
  flip: /^hand /,
  start: /^start /,
  demote: /^tidy up/,
} as const
export type Phase = keyof typeof PHASES
export const PHASE_NAMES = Object.keys(PHASES) as readonly Phase[]

/** One move. */
export interface Planned {
  readonly volume: string
  /** Which of the nodes that do not have it takes it: 0 or 1. */
  readonly turn: number
  /** `idle`: the node that has the volume dies before the move. */
  readonly fault?: Fault | 'idle'
  /** When the fault strikes: as a phase begins, or at a share of a usual move. */
  readonly when: number | Phase
}

/** Pure: the same moves for the same seed. `faults`: those that may come up, and how often of a hundred. */
export function planMoves(
  moves: number,
  seed: number,
  faults: readonly NonNullable<Planned['fault']>[],
  percent: number,
): readonly Planned[] {
  const next = seeded(seed)
  return Array.from({ length: moves }, () => {
    const [volume, turn, hit, which, when] = [next(), next(), next(), next(), next()]
    const fault = hit * 100 < percent ? faults[Math.floor(which * faults.length)] : undefined
    return {
      volume: VOLUMES[Math.floor(volume * VOLUMES.length)] ?? '',
      turn: Math.floor(turn * 2),
      ...(fault === undefined ? {} : { fault }),
      when,
    }
  })
}

/** What came of many moves. */
export interface Outcome {
  readonly moved: number
  readonly faults: ReadonlyMap<string, number>
  /** Downtimes of the moves that nothing disturbed. */
  readonly downtimesMs: readonly number[]
  /** One line each; the figures of what was written and seen. */
  readonly figures: readonly string[]
  /** What must not have happened, in words. */
  readonly wrong: readonly string[]
}

/** The figures of many moves, a line each. */
export function tellOutcome({ moved, faults, downtimesMs, figures }: Outcome): readonly string[] {
  const sorted = downtimesMs.toSorted((a, b) => a - b)
  return [
    `${String(moved)} moves; faults: ${[...faults].map(([fault, times]) => `${fault} ${String(times)}`).join(', ')}`,
    ...(sorted.length === 0
      ? []
      : [
          `downtime of the undisturbed: median ${String(sorted[Math.floor(sorted.length / 2)])} ms, worst ${String(sorted.at(-1))} ms`,
        ]),
    ...figures,
  ]
}

interface Volumes {
  readonly volumes: readonly { readonly name: string; readonly owner: string; readonly phase: string }[]
}

async function ownerOf(volume: string): Promise<string> {
  const { volumes } = await labDocument<Volumes>(['volumes'])
  const found = volumes.find(({ name }) => name === volume)
  if (found?.phase !== 'idle') throw new Error(`${volume} is ${JSON.stringify(found)}`)
  return found.owner
}

/** The containers of all nodes, by node. */
async function nodeContainers(): Promise<ReadonlyMap<string, string>> {
  return new Map(await Promise.all(NODES.map(async (node) => [node, await container(node)] as const)))
}

/** Moves volumes as planned, under clients that write and an observer that looks at all times, and judges what is left. */
export async function moveUnderLoad(plan: readonly Planned[], say: (line: string) => void): Promise<Outcome> {
  const { edge } = await ensureSample(2)
  await labOk(['deploy', WITNESS])
  const series = String(Date.now())
  const observer = new VolumeObserver(await nodeContainers())
  const clients = [startHttpWriter(edge, series, PAUSE_MS), startDatabaseClient(WORKERS, series)]
  const faults = new Map<string, number>()
  const downtimesMs: number[] = []
  const wrong: string[] = []
  const owners = new Map<string, string>()
  let moved = 0
  try {
    for (const [index, each] of plan.entries()) {
      const source = owners.get(each.volume) ?? (await ownerOf(each.volume))
      const target = WORKERS.filter((node) => node !== source)[each.turn] ?? ''
      const title = `${String(index + 1)}/${String(plan.length)} ${each.volume} ${source} -> ${target}`
      const { downtimeMs, said } = await moveOnce(each, source, target)
      if (each.fault !== undefined) faults.set(each.fault, (faults.get(each.fault) ?? 0) + 1)
      say(`${title}: ${describeFault(each)} ${said}`)
      if (each.fault === undefined && downtimeMs !== undefined) downtimesMs.push(downtimeMs)
      const owner = await ownerOf(each.volume)
      owners.set(each.volume, owner)
      if (owner === target) moved++
      else wrong.push(`${title} did not end there`)
      const seen = VOLUMES.flatMap((volume) => observer.violations(volume))
      if (seen.length > 0) break // There is nothing to learn from what comes after.
    }
    await bookAnswers(edge)
    const figures: string[] = []
    for (const client of clients) {
      const acknowledged = await client.stop()
      const faultsFound = judgeAttempts(acknowledged, await client.kept())
      wrong.push(...faultsFound.map((fault) => `${client.name}: ${fault}`))
      figures.push(
        `${client.name}: ${String(acknowledged.size)} records acknowledged, ${String(faultsFound.length)} lost or doubled`,
      )
    }
    figures.push(...(await judgeWitness(observer, wrong)))
    for (const volume of VOLUMES) {
      const violations = observer.violations(volume)
      wrong.push(...violations.map((each) => `${volume}: ${each}`))
      const { samples, longestGapMs, holds } = observer.of(volume)
      // One writer at most is also what a blind observer sees.
      if (samples < plan.length || holds.length === 0)
        wrong.push(`${volume}: only ${String(samples)} looks at a writer`)
      figures.push(
        `${volume}: ${String(samples)} looks at a writer, longest gap ${String(Math.round(longestGapMs))} ms, ${String(holds.length)} turns, ${String(violations.length)} times more than one`,
      )
    }
    return { moved, faults, downtimesMs, figures, wrong }
  } finally {
    await observer.stop()
    for (const client of clients) await client.stop()
  }
}

function describeFault({ fault, when }: Planned): string {
  if (fault === undefined) return 'undisturbed'
  return typeof when === 'number' ? fault : `${fault} in ${when}`
}

/** The file of the witness, judged with all that was seen of it while it grew. */
async function judgeWitness(observer: VolumeObserver, wrong: string[]): Promise<readonly string[]> {
  const seen = [...observer.of('witness-data').records]
  const verdict = judgeRecords(await witnessFile(), seen)
  wrong.push(...verdict.faults.map((fault) => `witness: ${fault}`))
  return [
    `witness: ${String(verdict.records)} records of ${String(verdict.writers)} tasks, seen growing ${String(seen.length)} times, ${String(verdict.faults.length)} faults`,
  ]
}

/** The records of the witness as its owner has them now. */
async function witnessFile(): Promise<string> {
  const owner = await ownerOf('witness-data')
  return docker('exec', await container(owner), 'cat', '/run/lab/volumes/witness-data/records')
}

interface Once {
  readonly downtimeMs: number | undefined
  readonly said: string
}

/** One move with its fault; what the fault broke is mended, and the same command brings the move to its end. */
async function moveOnce({ volume, fault, when }: Planned, source: string, target: string): Promise<Once> {
  const args = ['move-volume', volume, target]
  if (fault === 'idle') {
    await killNode(source)
    await labOk(['up'])
  }
  const move = startLab(args)
  let struck: Struck = {}
  if (fault !== undefined && fault !== 'idle') {
    await Promise.race([move.ended, typeof when === 'number' ? delay(when * USUAL_MS) : reaches(move, when)])
    struck = await strike(fault, move, source, target)
  }
  const first = await move.ended
  await struck.mend?.()
  if (struck.needsUp === true) await labOk(['up'])
  if (first === 0) return { downtimeMs: blackout(move.events), said: told(move.events) }
  // Nothing may be left of the fault by now; without one, a move that fails is a fault itself.
  if (fault === undefined || fault === 'idle') throw new Error(`lab ${args.join(' ')}: ${told(move.events)}`)
  const again = await labOk(args)
  return { downtimeMs: undefined, said: `${told(move.events)}; again: ${again.stdout.trim().split('\n').at(-1) ?? ''}` }
}

/** Waits until a move says that a phase begins, or has ended. */
async function reaches(move: Running, phase: Phase): Promise<void> {
  let ended = false
  void move.ended.then(() => (ended = true))
  const begun = () =>
    move.events.some(({ type, title }) => type === 'task-started' && PHASES[phase].test(String(title)))
  const look = () => Promise.resolve(ended || begun() ? true : undefined)
  await waitFor(look, { deadlineMs: 300_000, intervalMs: 5, what: phase })
}

function blackout(events: readonly Event[]): number | undefined {
  const moved = events.find(({ type }) => type === 'moved')
  return moved === undefined ? undefined : Number(moved['blackoutMs'])
}

function told(events: readonly Event[]): string {
  const last = events.at(-1)
  if (last?.type === 'moved') return `moved, away ${String(last['blackoutMs'])} ms`
  return last?.type === 'error' ? String(last['message']) : `cut off after ${JSON.stringify(last)}`
}
