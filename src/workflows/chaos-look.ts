import type { StatusDocument } from '../model/documents.ts'
import { LabError } from '../model/errors.ts'
import { waitFor } from '../model/wait.ts'
import { crowdedServices } from '../swarm/crowding.ts'
import { listNodes } from '../swarm/nodes.ts'
import { listServices } from '../swarm/services.ts'
import { isServing, listTasks } from '../swarm/tasks.ts'
import { openVolumeRecords } from '../swarm/volume-store.ts'
import { dnsDocument, isConsistent } from './dns.ts'
import { openLab, type OpenLab } from './open-lab.ts'
import { restart } from './restart.ts'
import { statusDocument } from './status.ts'

/** Longest that a node which runs may take to answer, on a host that has much to do. */
export const CONNECT_MS = 20_000
/** Longest that `lab status` may take to name a fault. */
const NAMED_MS = 20_000
/** Longest that the swarm may take to replace what a node ran. */
const ELSEWHERE_MS = 60_000

/** What `lab status` would say to somebody who types it now: with connections of its own. */
async function lookNow(open: OpenLab): Promise<StatusDocument> {
  const { lab, spec, signal } = open
  const fresh = await openLab({ lab, spec, signal, emit: () => undefined })
  try {
    return await statusDocument(fresh)
  } finally {
    await fresh.close()
  }
}

/** Waits until `lab status` says something of a node, which is what is returned; nothing when it does not. */
export async function awaitNamed(open: OpenLab, node: string, signal: AbortSignal): Promise<readonly string[]> {
  const look = async () => {
    const { notes } = await lookNow(open)
    const named = notes.filter((note) => new RegExp(`\\b${node}\\b`).test(note))
    return named.length === 0 ? undefined : named
  }
  try {
    return await waitFor(look, { deadlineMs: NAMED_MS, intervalMs: 500, what: `${node} to be named`, signal })
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'DEADLINE') throw error
    return []
  }
}

/** What is not as it should be, in words: nodes, services, moves under way, names. Nothing: the lab is whole. */
async function whatIsMissing(open: OpenLab): Promise<readonly string[]> {
  open.refresh()
  const { notes, services, volumes } = await statusDocument(open)
  const lacking = services.filter(({ running, desired }) => running < desired)
  const moving = volumes.filter(({ phase }) => phase !== 'idle')
  const found = [
    ...notes,
    ...lacking.map(({ name, running, desired }) => `${name} runs ${String(running)} of ${String(desired)}`),
    ...moving.map(({ name, phase }) => `a move of ${name} is under way (${phase})`),
  ]
  if (found.length > 0) return found
  const { names } = await dnsDocument({ ...open, emit: () => undefined })
  const unasked = open.spec.nodes.filter(({ name }) => names.some(({ seen }) => !(name in seen)))
  return [
    ...unasked.map(({ name }) => `${name} cannot be asked for names`),
    ...names
      .filter((name) => !isConsistent(name))
      .map(({ name, expected }) => `not every node knows ${name} as ${expected.join(', ') || 'nothing'}`),
  ]
}

/**
 * Waits until the lab is whole; that new connections to `anew` can be made is part of it. Returns what is still missing
 * when the time is over. Whoever only looks gives a node a second to answer; here a busy host is no fault of the lab.
 */
export async function awaitWhole(
  open: OpenLab,
  options: { readonly deadlineMs: number; readonly anew: readonly string[] },
): Promise<readonly string[]> {
  let missing: readonly string[] = []
  let renewed = options.anew
  const look = async () => {
    try {
      await Promise.all(renewed.map((name) => reconnect(open, name)))
      missing = await whatIsMissing(open)
    } catch (error) {
      if (!(error instanceof LabError)) throw error
      missing = [error.message]
    }
    renewed = open.spec.nodes.map(({ name }) => name).filter((name) => missing.some((text) => text.includes(name)))
    return missing.length === 0 ? true : undefined
  }
  try {
    const { deadlineMs } = options
    await waitFor(look, { deadlineMs, intervalMs: 250, what: 'the lab to be whole', signal: open.signal })
    return []
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'DEADLINE') throw error
    return missing
  }
}

/** A node that does not answer now is found out by the look that follows. */
async function reconnect(open: OpenLab, name: string): Promise<void> {
  await open.disconnect(name)
  await open.connect(name, { deadlineMs: CONNECT_MS }).catch(() => undefined)
}

/**
 * Waits until everything that can run without a node does, in full. Returns how long it took, or what did not.
 * Services whose volume is there wait for it; jobs, and services of one task a node, have nothing to do elsewhere.
 */
export async function awaitElsewhere(
  open: OpenLab,
  node: string,
  signal: AbortSignal,
): Promise<{ readonly tookMs: number } | { readonly missing: string }> {
  const started = performance.now()
  let missing = 'no manager answers'
  const look = async () => {
    try {
      const { engine } = await open.manager()
      const [services, nodes, records] = await Promise.all([
        listServices(engine, signal),
        listNodes(engine, signal),
        openVolumeRecords(() => Promise.resolve(engine)).list(),
      ])
      const tasks = await listTasks(engine, [], nodes, signal)
      const there = records.filter(({ record }) => record.owner === node).map(({ record }) => record.service)
      const short = services.filter(({ id, mode, name, replicas = 0 }) => {
        if (mode !== 'replicated' || there.includes(name)) return false
        return tasks.filter((task) => task.serviceId === id && task.node !== node && isServing(task)).length < replicas
      })
      missing = short.map(({ name }) => name).join(', ')
      return short.length === 0 ? true : undefined
    } catch (error) {
      signal.throwIfAborted()
      missing = error instanceof Error ? error.message : String(error)
      return undefined
    }
  }
  try {
    await waitFor(look, { deadlineMs: ELSEWHERE_MS, intervalMs: 100, what: 'replicas elsewhere', signal })
    return { tookMs: Math.round(performance.now() - started) }
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'DEADLINE') throw error
    return { missing }
  }
}

/** Names of services that have tasks which serve on other nodes than this one. */
export async function servedWithout(open: OpenLab, node: string): Promise<readonly string[]> {
  const { engine } = await open.manager()
  const [services, nodes] = await Promise.all([listServices(engine, open.signal), listNodes(engine, open.signal)])
  const tasks = await listTasks(engine, [], nodes, open.signal)
  const serving = tasks.filter((task) => task.node !== node && isServing(task))
  return services.filter(({ id }) => serving.some((task) => task.serviceId === id)).map(({ name }) => name)
}

/** Replaces the tasks of services that came together on one node, so that the next fault does not take all of them. */
export async function spreadTasks(open: OpenLab): Promise<readonly string[]> {
  const { engine } = await open.manager()
  const [services, nodes] = await Promise.all([listServices(engine, open.signal), listNodes(engine, open.signal)])
  const crowded = crowdedServices(services, await listTasks(engine, [], nodes, open.signal), nodes)
  for (const { service } of crowded) await restart(open, { service })
  return crowded.map(({ service }) => service)
}
