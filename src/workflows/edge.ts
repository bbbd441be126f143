import { LabError } from '../model/errors.ts'
import { LABELS } from '../model/names.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { readRoutes, renderEdge, routeConflicts, routeName, type EdgeService } from '../overlay/edge-config.ts'
import { countServing, loadEdge } from '../overlay/edge-control.ts'
import { waitFor } from '../model/wait.ts'
import { listServices, type ServiceView } from '../swarm/services.ts'
import { openFront } from './front.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** What an edge says, or its node, that cannot be spoken to while others can. */
const AWAY: ReadonlySet<string> = new Set(['UNREACHABLE', 'EDGE_DOWN', 'TIMEOUT'])

/**
 * Makes every edge serve the routes of all deployed services, and no others. Touches nothing when they do already; no edge
 * is ever restarted. One that is away is told, and learns of the routes with the next `up` or deploy; where all are away,
 * that is an error. Returns whether something was changed.
 */
export async function applyEdge(lab: OpenLab): Promise<boolean> {
  return runTask(lab.emit, 'routes of the edge', async (task) => {
    const { engine } = await lab.manager()
    const services = (await listServices(engine, lab.signal)).map((service): EdgeService => ({
      name: service.name,
      replicas: service.replicas,
      routes: readRoutes(service.labels[LABELS.routes]),
    }))
    refuseConflicts(services)
    const text = renderEdge(services)
    const outcomes = await onEdges(lab, edgeNames(lab), async (name) =>
      loadEdge(await lab.connect(name), text, lab.signal),
    )
    for (const { name, away } of outcomes) {
      if (away === undefined) continue
      const message = `${name} does not know the routes as they are now: ${away.message} ("lab up" mends it)`
      lab.emit({ type: 'notice', level: 'warning', message })
    }
    // Others first: a port that leads to an edge must find it ready.
    const ports = services.flatMap(({ routes }) => routes.map(({ port }) => port))
    const led = await openFront(lab, { ports })
    const changed = led || outcomes.some(({ value }) => value === 'loaded')
    if (!changed) task.unchanged()
    return changed
  })
}

function edgeNames({ spec }: OpenLab): readonly string[] {
  return nodesWithRole(spec, 'edge').map(({ name }) => name)
}

/** What became of one edge: what it answered, or why it is away. */
interface OfEdge<T> {
  readonly name: string
  readonly value?: T
  readonly away?: LabError
}

/** Does something with every edge at once. Throws where it fails on one that is there, or where none is. */
async function onEdges<T>(
  lab: OpenLab,
  names: readonly string[],
  work: (name: string) => Promise<T>,
): Promise<readonly OfEdge<T>[]> {
  const outcomes = await Promise.all(
    names.map(async (name): Promise<OfEdge<T>> => {
      try {
        return { name, value: await work(name) }
      } catch (error) {
        lab.signal.throwIfAborted()
        if (!(error instanceof LabError) || !AWAY.has(error.code)) throw error
        return { name, away: error }
      }
    }),
  )
  const [first] = outcomes
  if (first?.away !== undefined && outcomes.every(({ away }) => away !== undefined)) throw first.away
  return outcomes
}

/**
 * Longest the edge may take to send clients to tasks that run: it asks for their names every 500 ms and checks each
 * twice a second.
 */
const SERVING_MS = 10_000

/**
 * Waits until every edge that answers sends clients to all tasks of services that run already. A port on which nothing
 * answers is a warning: the service runs, and only its owner knows when it is to listen.
 */
export async function waitForEdge(lab: OpenLab, services: readonly ServiceView[]): Promise<void> {
  const wanted = services.flatMap((service) =>
    readRoutes(service.labels[LABELS.routes]).map((route) => ({
      ...route,
      service: service.name,
      tasks: service.replicas ?? 1,
    })),
  )
  if (wanted.length === 0) return
  let missing: readonly { readonly edge: string; readonly service: string; readonly target: number }[] = []
  let edges = edgeNames(lab)
  const look = async () => {
    const outcomes = await onEdges(lab, edges, async (name) => countServing(await lab.connect(name), lab.signal))
    const counts = outcomes.flatMap(({ name, value }) => (value === undefined ? [] : [{ name, value }]))
    // One that is away has been told already, and is not waited for again.
    edges = counts.map(({ name }) => name)
    missing = wanted.flatMap((route) =>
      counts
        .filter(({ value }) => (value.get(routeName(route)) ?? 0) < route.tasks)
        .map(({ name }) => ({ edge: name, service: route.service, target: route.target })),
    )
    return missing.length === 0 ? true : undefined
  }
  await runTask(lab.emit, 'wait until the edge sends clients to it', async () => {
    try {
      await waitFor(look, { deadlineMs: SERVING_MS, intervalMs: 50, what: 'the edge', signal: lab.signal })
    } catch (error) {
      lab.signal.throwIfAborted()
      if (!(error instanceof LabError) || error.code !== 'DEADLINE') throw error
      for (const message of missingTexts(missing, edges.length)) lab.emit({ type: 'notice', level: 'warning', message })
    }
  })
}

/** Pure: a sentence a service that edges do not reach: it does not listen, or some of the edges are cut off. */
export function missingTexts(
  missing: readonly { readonly edge: string; readonly service: string; readonly target: number }[],
  edges: number,
): readonly string[] {
  return [...new Set(missing.map(({ service, target }) => `${service} ${String(target)}`))].map((key) => {
    const of = missing.filter(({ service, target }) => `${service} ${String(target)}` === key)
    const [service = '', target = ''] = key.split(' ')
    return of.length < edges
      ? `${of.map(({ edge }) => edge).join(' and ')} does not reach all tasks of ${service}, and other edges do: lab doctor`
      : `the edge does not reach all tasks of ${service}: does it listen on port ${target}, and not on 127.0.0.1 only?`
  })
}

function refuseConflicts(services: readonly EdgeService[]): void {
  const [conflict] = routeConflicts(services)
  if (conflict === undefined) return
  throw new LabError(
    'EDGE_PORT_TAKEN',
    `${conflict.services.join(' and ')} both want port ${String(conflict.port)} of the edge`,
    { hint: 'give one of them another port under "ports" in its compose.yml' },
  )
}
