import pLimit from 'p-limit'
import type { Connection } from '../model/connection.ts'
import { LabError, toLabError } from '../model/errors.ts'
import type { Emit, HostRecap } from '../model/events.ts'
import type { NodeSpec } from '../model/lab-spec.ts'
import { unknownName } from '../model/names.ts'
import { FactUnavailable, type FactQuery, type Play, type Step } from '../model/step.ts'
import { ask, questionnaire } from './gather.ts'
import { HostRun } from './host-run.ts'
import type { HostStep } from './step-event.ts'

/** What to run, where and how. */
export interface RunOptions {
  readonly plays: readonly Play[]
  readonly nodes: readonly NodeSpec[]
  readonly connect: (node: string) => Promise<Connection>
  /** `plan` reads facts and stops there. */
  readonly mode: 'apply' | 'plan'
  readonly diff?: boolean
  /** Names of nodes; all when absent. */
  readonly limit?: readonly string[] | undefined
  /** Only plays with one of these tags, or of that name; all when absent. */
  readonly tags?: readonly string[] | undefined
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

/** Hosts worked on at a time. */
const HOSTS_AT_ONCE = 32

/**
 * Runs plays: hosts in parallel, plays one after the other; independent ones as soon as a host gets there. A host that
 * fails leaves, the others go on. Where nothing has to be changed this is one exec a host, for all plays together.
 */
export async function runPlays(options: RunOptions): Promise<RunSummary> {
  const started = performance.now()
  const plays = selectPlays(options.plays, options.tags)
  const stages = stagesOf(plays)
  const nodes = limited(options.nodes, options.limit)
  const runs = new Map<string, HostRun>()
  const failed = new Map<string, LabError>()
  const pendingSteps = new Set<Step>()
  const atOnce = pLimit(HOSTS_AT_ONCE)

  let current = plays[0]?.name ?? ''
  const leave = (node: string, error: unknown) => {
    options.signal.throwIfAborted()
    const reason = toLabError(error)
    failed.set(node, reason)
    options.emit({
      type: 'step',
      node,
      play: current,
      kind: reason.code.toLowerCase(),
      title: reason.message,
      outcome: 'failed',
      changes: [],
      durationMs: 0,
    })
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
        const { mode, diff = false, emit, signal } = options
        const read = readerOf(options)
        runs.set(
          node.name,
          new HostRun({ node, connection, mode, diff, emit, signal, read, pendingSteps }, hostStages(stages, node)),
        )
      } catch (error) {
        leave(node.name, error)
      }
    }),
  )
  let ahead = true
  for (const [index, stage] of stages.entries()) {
    current = stage[0]?.name ?? ''
    const members = nodes.filter((node) => stage.some((play) => isMember(play, node)))
    await each(ahead ? nodes : members, (run) => run.gather(index, ahead))
    for (const play of stage) {
      const busy = members.filter(({ name }) => runs.get(name)?.isBusy(index, play.name) === true)
      if (busy.length > 0) options.emit({ type: 'play-started', play: play.name, nodes: busy.map(({ name }) => name) })
    }
    const changed = new Set<string>()
    for (const wave of chunks(members, stage[0]?.serial ?? members.length)) {
      if (changed.size > 0) await each(wave, (run) => run.gather(index, false))
      const before = changed.size
      await each(wave, async (run, node) => {
        if (await run.run(index)) changed.add(node.name)
      })
      // What one host changed may be what another one's facts look at.
      if (changed.size > before)
        for (const [name, run] of runs) if (changed.size > 1 || !changed.has(name)) run.forget()
      // A wave that nobody survived is a warning to those that were to follow.
      if (wave.every(({ name }) => failed.has(name))) break
    }
    ahead = changed.size === 0
  }
  return summarize(nodes, plays, runs, failed, performance.now() - started)
}

/** Whether a play concerns a node. */
function isMember(play: Play, node: NodeSpec): boolean {
  return typeof play.hosts === 'function' ? play.hosts(node) : play.hosts.includes(node.name)
}

/** Plays between which hosts do not wait for each other. */
function stagesOf(plays: readonly Play[]): readonly (readonly Play[])[] {
  const stages: Play[][] = []
  for (const play of plays) {
    const last = stages.at(-1)
    const joins = play.independent === true && play.serial === undefined && last?.[0]?.serial === undefined
    if (last !== undefined && joins) last.push(play)
    else stages.push([play])
  }
  return stages
}

function hostStages(stages: readonly (readonly Play[])[], node: NodeSpec): readonly (readonly HostStep[])[] {
  return stages.map((stage) =>
    stage.flatMap((play) => {
      if (!isMember(play, node)) return []
      const steps = typeof play.steps === 'function' ? play.steps(node) : play.steps
      return steps.map((step) => ({ play: play.name, step }))
    }),
  )
}

function selectPlays(plays: readonly Play[], tags: readonly string[] | undefined): readonly Play[] {
  if (tags === undefined || tags.length === 0) return plays
  const namesOf = (play: Play) => [...(play.tags ?? []), play.name]
  const known = [...new Set(plays.flatMap((play) => play.tags ?? []))]
  for (const tag of tags) {
    if (!plays.some((play) => namesOf(play).includes(tag))) throw unknownName('tag', tag, known)
  }
  return plays.filter((play) => namesOf(play).some((name) => tags.includes(name)))
}

function limited(nodes: readonly NodeSpec[], limit: readonly string[] | undefined): readonly NodeSpec[] {
  if (limit === undefined) return nodes
  const names = nodes.map(({ name }) => name)
  for (const name of limit) if (!names.includes(name)) throw unknownName('node', name, names)
  return nodes.filter(({ name }) => limit.includes(name))
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
  plays: readonly Play[],
  runs: ReadonlyMap<string, HostRun>,
  failed: ReadonlyMap<string, LabError>,
  durationMs: number,
): RunSummary {
  const hosts: Record<string, HostRecap> = {}
  for (const node of nodes) {
    const run = runs.get(node.name)
    const { ok = 0, changed = 0, maybe = 0 } = run?.recap ?? {}
    const total = hostStages([plays], node).flat().length
    // A host that could not be reached failed before its first step.
    const tried = ok + changed + maybe + (failed.has(node.name) && run !== undefined ? 1 : 0)
    hosts[node.name] = {
      ok,
      changed,
      maybe,
      failed: failed.has(node.name) ? 1 : 0,
      skipped: Math.max(0, total - tried),
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
