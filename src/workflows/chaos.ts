import { setTimeout as delay } from 'node:timers/promises'
import { startClient, sightOf, type Asked } from '../chaos/client.ts'
import { judgeAttempts, startHttpWriter, type NumberedClient } from '../chaos/numbered-client.ts'
import { planFaults, type PlannedFault } from '../chaos/schedule.ts'
import { LabError, toLabError } from '../model/errors.ts'
import { FAULT_WORDS, type FaultKind } from '../model/fault.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { waitFor } from '../model/wait.ts'
import { afterStart } from './after-start.ts'
import { currentLeader, prepareFault, type Fault } from './chaos-faults.ts'
import { awaitElsewhere, awaitNamed, awaitWhole, CONNECT_MS, servedWithout, spreadTasks } from './chaos-look.ts'
import type { ChaosPlan } from './chaos-plan.ts'
import { endWriterWatch, watchWriters } from './chaos-writers.ts'
import { withLock } from './lock.ts'
import { waitForMachines } from './machines.ts'
import { viewNodes } from './node-troubles.ts'
import { openLab, type OpenLab } from './open-lab.ts'

/** Longest that a fault may take to heal by itself once its cause is gone: engines look for lost names every minute. */
const HEAL_MS = 150_000
/** Longest that the end of a cause is tried: a host that has much to do may refuse for a while. */
const END_MS = 60_000
/** Between two records of the writer. */
const WRITE_PAUSE_MS = 200
/** Longest that a URL with tasks elsewhere may be without any answer, where some requests may go to a node that hangs. */
const OUTAGE_MS = 8000
/** Faults after which the edge loses requests only to a node that hangs; the others cost none. */
const HANGING: ReadonlySet<FaultKind> = new Set(['pause', 'cut', 'engine'])
/** Faults that take a node's tasks away, and those that the lab must name meanwhile. */
const TAKES_TASKS: ReadonlySet<FaultKind> = new Set(['kill', 'pause', 'cut', 'leader'])
const IS_NAMED: ReadonlySet<FaultKind> = new Set(['kill', 'pause', 'cut', 'fill', 'sshd', 'leader'])

/** What a run has to do with while it lasts. */
interface Run {
  readonly plan: ChaosPlan
  /** The lab for everything that must not stop with Ctrl-C: what was broken is healed. */
  readonly open: OpenLab
  /** Aborted by Ctrl-C, or when the time is over. */
  readonly stop: AbortSignal
  readonly startedAt: number
  readonly asked: (since: number) => readonly Asked[]
}

/**
 * Faults at random, one after the other with its healing, while a client reads, another writes and the nodes note who
 * may write to their volumes. Heals everything before it ends, however it ends. Throws `CHAOS_FOUND` where something was
 * not as promised; `again` is the command line that does the same again.
 */
export async function chaos(lab: OpenLab, plan: ChaosPlan, again: string): Promise<void> {
  await withLock(lab.lab.stateDirectory, 'chaos', async () => {
    const signal = new AbortController().signal
    const open = await openLab({ lab: lab.lab, spec: lab.spec, signal, emit: () => undefined })
    try {
      await Promise.all(lab.spec.nodes.map(({ name }) => open.connect(name, { deadlineMs: CONNECT_MS })))
      await runPlan(lab, open, plan, again)
    } finally {
      await open.close()
    }
  })
}

async function runPlan(lab: OpenLab, open: OpenLab, plan: ChaosPlan, again: string): Promise<void> {
  const { url, edge, seed, forMs, shape, kinds } = plan
  const workers = plan.volumes ? nodesWithRole(lab.spec, 'worker').map(({ name }) => name) : []
  const client = url === undefined ? undefined : startClient(url, (status) => status < 500)
  const series = `chaos ${String(seed)}-${String(Date.now())}`
  const writer = plan.writes && edge !== undefined ? startHttpWriter(edge, series, WRITE_PAUSE_MS) : undefined
  const startedAt = performance.now()
  const run: Run = { plan, open, stop: lab.signal, startedAt, asked: (since) => client?.since(since) ?? [] }
  const violations: string[] = []
  let faults = 0
  let broken: Error | undefined
  try {
    await watchWriters(open, workers, forMs + 30 * 60_000)
    for (const planned of planFaults(shape, { seed, forMs, kinds })) {
      if (lab.signal.aborted || (faults > 0 && performance.now() - startedAt >= forMs)) break
      faults++
      violations.push(...(await strike(lab, run, planned, workers)))
    }
  } catch (error) {
    broken = toLabError(error)
  }
  await client?.stop()
  const found = await judge(open, writer, workers).catch((error: unknown) => {
    // Why it ended comes first; what cannot be judged then follows from it.
    throw broken ?? toLabError(error)
  })
  if (broken !== undefined) throw broken
  violations.push(...found.violations)
  const sight = sightOf(run.asked(0))
  lab.emit({
    type: 'chaos',
    seed,
    faults,
    requests: sight.requests,
    failedRequests: sight.failed,
    acknowledged: found.acknowledged,
    volumes: found.volumes,
    violations,
    durationMs: Math.round(performance.now() - startedAt),
  })
  lab.signal.throwIfAborted()
  if (violations.length === 0) return
  throw new LabError('CHAOS_FOUND', `not everything was as promised:\n${violations.join('\n')}`, {
    hint: `all is healed; "${again}" does the same again, "lab logs" has what the apps said`,
  })
}

/** One fault with its healing. Returns what was not as promised. */
async function strike(
  lab: OpenLab,
  run: Run,
  planned: PlannedFault,
  watched: readonly string[],
): Promise<readonly string[]> {
  const { open, plan, stop } = run
  const { kind } = planned
  const node = planned.node ?? (await currentLeader(open))
  const violations: string[] = []
  const served = await servedWithout(open, node)
  // What was open through an edge goes with it, and one that hangs is noticed after a moment.
  const isEdge = plan.shape.nodes.some(({ name, roles }) => name === node && roles.includes('edge'))
  const survives = plan.needs.every((service) => served.includes(service)) && !isEdge
  const fault = await prepareFault(open, kind, node)
  const struckAt = performance.now()
  lab.emit({ type: 'fault', fault: kind, node, atMs: Math.round(struckAt - run.startedAt) })
  let elsewhereMs: number | undefined
  let endedAt: number
  try {
    await fault.begin()
    const [elsewhere, named] = await Promise.all([
      TAKES_TASKS.has(kind) ? unlessStopped(stop, (signal) => awaitElsewhere(open, node, signal)) : undefined,
      IS_NAMED.has(kind) ? unlessStopped(stop, (signal) => awaitNamed(open, node, signal)) : undefined,
      delay(planned.holdMs, undefined, { signal: stop }).catch(() => undefined),
    ])
    if (elsewhere !== undefined && 'missing' in elsewhere) {
      violations.push(`${elsewhere.missing} did not run in full without ${node}`)
    }
    if (elsewhere !== undefined && 'tookMs' in elsewhere) elsewhereMs = elsewhere.tookMs
    if (named !== undefined) lab.emit({ type: 'fault-seen', fault: kind, node, seen: named })
    if (named?.length === 0) violations.push(`lab status did not name what was wrong with ${node}`)
  } finally {
    endedAt = performance.now()
    await endFault(fault, kind, node)
  }
  if (TAKES_TASKS.has(kind)) {
    await waitForMachines(open, [node], { booted: false })
    if (watched.includes(node)) await watchWriters(open, [node], plan.forMs + 30 * 60_000)
  }
  const missing = await awaitWhole(open, { deadlineMs: HEAL_MS, anew: [node] })
  const healedMs = Math.round(performance.now() - endedAt)
  if (missing.length > 0) {
    violations.push(`${node} did not heal by itself: ${missing.join('; ')}`)
    await afterStart(open, [node])
  }
  const sight = sightOf(run.asked(struckAt))
  if (survives && (HANGING.has(kind) ? sight.longestOutageMs > OUTAGE_MS : sight.failed > 0)) {
    violations.push(`${String(sight.failed)} requests failed though tasks ran elsewhere: ${sight.errors.join(', ')}`)
  }
  const told = violations.map((text) => `${FAULT_WORDS[kind]} ${node}: ${text}`)
  lab.emit({
    type: 'fault-healed',
    fault: kind,
    node,
    atMs: Math.round(performance.now() - run.startedAt),
    healedMs,
    ...(elsewhereMs === undefined ? {} : { elsewhereMs }),
    requests: sight.requests,
    failedRequests: sight.failed,
    longestOutageMs: sight.longestOutageMs,
    violations: told,
  })
  if (!stop.aborted) {
    const spread = await spreadTasks(open)
    const message = `spread the tasks of ${spread.join(', ')}, which had come together on one node`
    if (spread.length > 0) lab.emit({ type: 'notice', level: 'info', message })
  }
  return told
}

/** Takes the cause of a fault away, however often that has to be tried. Throws `NOT_HEALED` with what to type. */
async function endFault(fault: Fault, kind: FaultKind, node: string): Promise<void> {
  let reason = ''
  const end = async () => {
    try {
      await fault.end()
      return true
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error)
      return undefined
    }
  }
  try {
    await waitFor(end, { deadlineMs: END_MS, intervalMs: 1000, what: `the end of "${kind}" on ${node}` })
  } catch (error) {
    throw new LabError('NOT_HEALED', `${FAULT_WORDS[kind]} ${node}: that cannot be ended: ${reason}`, {
      where: node,
      hint: `lab node heal ${node}, lab node start ${node}, then: lab up`,
      cause: error,
    })
  }
}

/** Work that Ctrl-C cuts short, which is no failure: undefined then. */
async function unlessStopped<T>(stop: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  try {
    return await work(stop)
  } catch (error) {
    if (stop.aborted) return undefined
    throw error
  }
}

/** What the writer and the nodes have to say in the end. */
async function judge(
  open: OpenLab,
  writer: NumberedClient | undefined,
  workers: readonly string[],
): Promise<{ acknowledged: number; volumes: readonly string[]; violations: readonly string[] }> {
  const acknowledged = (await writer?.stop()) ?? new Set<string>()
  const kept = writer === undefined ? [] : judgeAttempts(acknowledged, await readBack(writer))
  const ahead = (await viewNodes(open)).map(({ name, aheadMs = 0 }) => [name, aheadMs] as const)
  const seen = await endWriterWatch(open, workers, new Map(ahead))
  return { acknowledged: acknowledged.size, volumes: seen.volumes, violations: [...kept, ...seen.violations] }
}

/** What the guest book holds; asked until it answers, which it does not while its database comes back. */
async function readBack(writer: NumberedClient): Promise<ReadonlyMap<string, number>> {
  let reason = ''
  const read = async () => {
    try {
      return await writer.kept()
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error)
      return undefined
    }
  }
  return waitFor(read, { deadlineMs: END_MS, what: 'the guest book to be read', lastSeen: () => reason })
}
