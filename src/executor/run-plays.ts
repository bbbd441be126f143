import pLimit, { type LimitFunction } from 'p-limit'
import type { Connection } from '../model/connection.ts'
import { LabError, toLabError } from '../model/errors.ts'
import type { Emit, HostRecap, RunEvent } from '../model/events.ts'
import { leafSteps } from '../model/flow.ts'
import type { NodeSpec } from '../model/lab-spec.ts'
import { unknownName } from '../model/names.ts'
import { FactUnavailable, type FactQuery, type Play, type Step } from '../model/step.ts'
import { ask, questionnaire } from './gather.ts'
import type { Confirm, HostRunOptions } from './host.ts'
import { HostRun } from './host-run.ts'
import { STOPPED } from './run-flow.ts'
import { choosePlays, hostSteps, stagesOf, type ChosenPlay, type Selection } from './select-plays.ts'
import { failedEvent } from './step-event.ts'
import { openTeller } from './teller.ts'

/** What to run, where and how. */
export interface RunOptions extends Selection {
  readonly plays: readonly Play[]
  readonly nodes: readonly NodeSpec[]
  readonly connect: (node: string) => Promise<Connection>
  /** `plan` reads facts and stops there. */
  readonly mode: 'apply' | 'plan'
  readonly diff?: boolean
  /** Asked before each change. */
  readonly confirm?: Confirm | undefined
  /** Command line that runs all this again, for errors. @default lab up */
  readonly again?: string
  /** Hosts worked on at a time; those that share this machine's processors only fight for them. @default 32 */
  readonly hostsAtOnce?: number | undefined
  readonly emit: Emit
  readonly signal: AbortSignal
}

/** What became of a run. */
export interface RunSummary {
  readonly hosts: Readonly<Record<string, HostRecap>>
  readonly changed: number
  readonly maybe: number
  readonly failed: number
  readonly durationMs: number
  /** Why hosts left the run, each once. */
  readonly errors: readonly LabError[]
}

/** Hosts worked on at a time, where nothing else is said. */
const HOSTS_AT_ONCE = 32

/**
 * Runs plays: hosts in parallel, plays one after the other; independent ones as soon as a host gets there. A host that
 * fails leaves, the others go on. Where nothing has to be changed this is one exec a host, for all plays together.
 */
export async function runPlays(options: RunOptions): Promise<RunSummary> {
  const started = performance.now()
  const chosen = choosePlays(options.plays, options.nodes, options)
  const { plays } = chosen
  // A node that no step is for is not asked for anything: it may be down.
  const nodes = chosen.nodes.filter(({ name }) => plays.some(({ steps }) => (steps.get(name)?.length ?? 0) > 0))
  if (nodes.length === 0) options.emit(nothingToDo(chosen.nodes))
  const stages = stagesOf(plays)
  const runs = new Map<string, HostRun>()
  const failed = new Map<string, LabError>()
  const common = sharedOptions(options)
  const atOnce = pLimit(options.hostsAtOnce ?? HOSTS_AT_ONCE)

  let current = plays[0]?.play.name ?? ''
  const leave = (node: string, error: unknown) => {
    options.signal.throwIfAborted()
    const reason = toLabError(error)
    if (reason.code === STOPPED) throw reason
    failed.set(node, reason)
    options.emit(failedEvent(node, current, reason))
  }
  const each = async (among: readonly NodeSpec[], work: (run: HostRun, node: NodeSpec) => Promise<void>) => {
    // All of them, also when one was interrupted: what runs on a node is being ended through its connection.
    const ended = await Promise.allSettled(
      among.map((node) =>
        atOnce(async () => {
          const run = runs.get(node.name)
          if (run === undefined || failed.has(node.name)) return
          try {
            await work(run, node)
          } catch (error) {
            leave(node.name, error)
          }
        }),
      ),
    )
    for (const result of ended) if (result.status === 'rejected') throw result.reason
  }

  await Promise.all(
    nodes.map(async (node) => {
      try {
        const connection = await options.connect(node.name)
        const own = stages.map((stage) => stage.flatMap((play) => hostSteps(play, node.name)))
        runs.set(node.name, new HostRun({ ...common, node, connection }, own))
      } catch (error) {
        leave(node.name, error)
      }
    }),
  )
  let ahead = true
  let ended = false
  for (const [index, stage] of stages.entries()) {
    if (ended) break
    const { name, serial, maxFail } = stage[0]?.play ?? { name: '' }
    current = name
    const members = nodes.filter((node) => stage.some(({ steps }) => steps.has(node.name)))
    await each(ahead ? nodes : members, (run) => run.gather(index, ahead))
    for (const { play } of stage) {
      const busy = members.filter((node) => runs.get(node.name)?.isBusy(index, play.name) === true)
      if (busy.length > 0) options.emit({ type: 'play-started', play: play.name, nodes: busy.map((node) => node.name) })
    }
    const isTooMuch = () => members.filter((node) => failed.has(node.name)).length > (maxFail ?? Infinity)
    const changed = new Set<string>()
    for (const wave of chunks(members, serial ?? members.length)) {
      if (isTooMuch()) break
      if (changed.size > 0) await each(wave, (run) => run.gather(index, false))
      const before = changed.size
      await each(wave, async (run, node) => {
        if (await run.run(index)) changed.add(node.name)
      })
      // What one host changed may be what another one's facts look at.
      if (changed.size > before)
        for (const [host, run] of runs) if (changed.size > 1 || !changed.has(host)) run.forget()
      // A wave that nobody survived is a warning to those that were to follow.
      if (isTooMuch() || wave.every((node) => failed.has(node.name))) break
    }
    ended = isTooMuch()
    if (ended)
      options.emit({
        type: 'notice',
        level: 'warning',
        message: `more nodes failed than "${name}" allows (maxFail: ${String(maxFail)}): the run ends here`,
      })
    ahead = changed.size === 0
  }
  return summarize(chosen.nodes, plays, runs, failed, ended, performance.now() - started)
}

/** Said where a run comes to nothing, which is hardly what its user had in mind. */
function nothingToDo(nodes: readonly NodeSpec[]): RunEvent {
  const names = nodes.map(({ name }) => name).join(', ')
  return { type: 'notice', level: 'warning', message: `no step is for ${names === '' ? 'any node' : names}` }
}

/** What all hosts of a run share. */
function sharedOptions(options: RunOptions): Omit<HostRunOptions, 'node' | 'connection'> {
  const { mode, diff = false, emit, signal, confirm, again = 'lab up' } = options
  const turns = new Map<string, LimitFunction>()
  const read = readerOf(options)
  const teller = openTeller(read)
  return {
    mode,
    diff,
    emit,
    signal,
    confirm,
    again,
    read,
    tell: teller.tell,
    pendingSteps: new Set<Step>(),
    reach: async (name) => {
      const node = options.nodes.find((each) => each.name === name)
      if (node === undefined)
        throw unknownName(
          'node',
          name,
          options.nodes.map((each) => each.name),
        )
      return { node, connection: await options.connect(name) }
    },
    inTurn: (node, work) => {
      teller.close()
      const turn = turns.get(node) ?? pLimit(1)
      turns.set(node, turn)
      return turn(work)
    },
  }
}

/** Lets a step read a fact of any node, also of one outside the run's limit. */
function readerOf(options: RunOptions): <T>(node: string, query: FactQuery<T>) => Promise<T> {
  return async <T>(node: string, query: FactQuery<T>): Promise<T> => {
    const answers = await ask(await options.connect(node), questionnaire([query]), options.signal)
    const answer = answers.get(query.key)
    if (answer !== undefined && 'value' in answer) return answer.value as T
    if (answer !== undefined && 'unavailable' in answer) throw new FactUnavailable(`${node}: ${answer.unavailable}`)
    throw new LabError('FACT_BROKEN', `${query.key}: ${answer?.broken ?? 'not answered'}`, { where: node })
  }
}

function chunks<T>(list: readonly T[], size: number): readonly (readonly T[])[] {
  const found: T[][] = []
  for (let start = 0; start < list.length; start += Math.max(1, size)) found.push(list.slice(start, start + size))
  return found
}

function summarize(
  nodes: readonly NodeSpec[],
  plays: readonly ChosenPlay[],
  runs: ReadonlyMap<string, HostRun>,
  failed: ReadonlyMap<string, LabError>,
  ended: boolean,
  durationMs: number,
): RunSummary {
  const hosts: Record<string, HostRecap> = {}
  for (const node of nodes) {
    const run = runs.get(node.name)
    const { ok = 0, changed = 0, maybe = 0, skipped = 0 } = run?.recap ?? {}
    const total = leafSteps(plays.flatMap(({ steps }) => steps.get(node.name) ?? [])).length
    // A host that could not be reached failed before its first step.
    const tried = ok + changed + maybe + skipped + (failed.has(node.name) && run !== undefined ? 1 : 0)
    const isDone = !failed.has(node.name) && !ended
    hosts[node.name] = {
      ok,
      changed,
      maybe,
      failed: failed.has(node.name) ? 1 : 0,
      skipped: skipped + (isDone ? 0 : Math.max(0, total - tried)),
    }
  }
  const sum = (count: (recap: HostRecap) => number) =>
    Object.values(hosts).reduce((all, recap) => all + count(recap), 0)
  return {
    hosts,
    changed: sum(({ changed }) => changed),
    maybe: sum(({ maybe }) => maybe),
    failed: failed.size,
    durationMs: Math.round(durationMs),
    errors: [...failed.values()],
  }
}
