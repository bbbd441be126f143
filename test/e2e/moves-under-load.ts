import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { bookAnswers } from './client.ts'
import { container, docker, ensureSample, labDocument, labOk, type Event } from './harness.ts'
import { judgeAttempts, startDatabaseClient, startHttpClient } from './numbered-clients.ts'
import { cutBetween, killNode, pauseNode, seeded, startLab, type Running } from './volume-faults.ts'
import { VolumeObserver } from './volume-observer.ts'
import { judgeRecords } from './witness-records.ts'

const WORKERS = ['node1', 'node2', 'node3']
const NODES = ['mgmt', ...WORKERS]
const WITNESS = join(import.meta.dirname, 'witness')
/** The volumes that move: the sample's database, and the one that tells who wrote to it. */
const VOLUMES = ['mongo-data', 'witness-data']
/** Where in a move a fault strikes is a share of this. */
const USUAL_MS = 8000

/** What may happen in the middle of a move, or (`idle`) between two. */
export const FAULTS = ['cli', 'source', 'target', 'cut', 'pause5', 'pause12', 'manager', 'idle'] as const
export type Fault = (typeof FAULTS)[number]

/** One move as the seed decided it. */
export interface Planned {
  readonly volume: string
  /** Which of the nodes that do not have it takes it: 0 or 1. */
  readonly turn: number
  readonly fault: Fault | undefined
  /** When the fault strikes, as a share of a usual move. */
  readonly share: number
}

/** Pure: the same moves for the same seed. `faults`: those that may come up, and how often of a hundred. */
export function planMoves(moves: number, seed: number, faults: readonly Fault[], percent: number): readonly Planned[] {
  const next = seeded(seed)
  return Array.from({ length: moves }, () => {
    const [volume, turn, hit, which, share] = [next(), next(), next(), next(), next()]
    return {
      volume: VOLUMES[Math.floor(volume * VOLUMES.length)] ?? '',
      turn: Math.floor(turn * 2),
      fault: hit * 100 < percent ? faults[Math.floor(which * faults.length)] : undefined,
      share,
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
  const clients = [startHttpClient(edge, series), startDatabaseClient(WORKERS, series)]
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
      say(`${title}: ${each.fault ?? 'undisturbed'} ${said}`)
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
async function moveOnce({ volume, fault, share }: Planned, source: string, target: string): Promise<Once> {
  const args = ['move-volume', volume, target]
  if (fault === 'idle') {
    await killNode(source)
    await labOk(['up'])
  }
  const move = startLab(args)
  let mend: (() => Promise<void>) | undefined
  let needsUp = false
  if (fault !== undefined && fault !== 'idle') {
    await Promise.race([move.ended, delay(share * USUAL_MS)])
    ;({ mend, needsUp } = await strike(fault, move, source, target))
  }
  const first = await move.ended
  await mend?.()
  if (needsUp) await labOk(['up'])
  if (first === 0) return { downtimeMs: blackout(move.events), said: told(move.events) }
  // Nothing may be left of the fault by now; without one, a move that fails is a fault itself.
  if (fault === undefined || fault === 'idle') throw new Error(`lab ${args.join(' ')}: ${told(move.events)}`)
  const again = await labOk(args)
  return { downtimeMs: undefined, said: `${told(move.events)}; again: ${again.stdout.trim().split('\n').at(-1) ?? ''}` }
}

interface Struck {
  readonly mend: (() => Promise<void>) | undefined
  readonly needsUp: boolean
}

async function strike(fault: Exclude<Fault, 'idle'>, move: Running, source: string, target: string): Promise<Struck> {
  switch (fault) {
    case 'cli':
      move.process.kill('SIGKILL')
      return { mend: undefined, needsUp: false }
    case 'source':
    case 'target':
    case 'manager':
      await killNode(fault === 'source' ? source : fault === 'target' ? target : 'mgmt')
      return { mend: undefined, needsUp: true }
    case 'cut':
      return { mend: await cutBetween(source, target), needsUp: false }
    case 'pause5':
    case 'pause12': {
      const goOn = await pauseNode(source)
      await delay(fault === 'pause5' ? 5000 : 12_000)
      await goOn()
      return { mend: undefined, needsUp: false }
    }
  }
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
