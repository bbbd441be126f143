import { LabError } from '../model/errors.ts'
import { LABELS } from '../model/names.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { readRoutes, renderEdge, routeConflicts, routeName, type EdgeService } from '../overlay/edge-config.ts'
import { countServing, loadEdge } from '../overlay/edge-control.ts'
import { waitFor } from '../model/wait.ts'
import { listServices, type ServiceView } from '../swarm/services.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/**
 * Makes the edge serve the routes of all deployed services, and no others. Touches nothing when it does already; the
 * edge is never restarted. Returns whether something was changed.
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
    const outcomes = await Promise.all(
      nodesWithRole(lab.spec, 'edge').map(async ({ name }) => loadEdge(await lab.connect(name), text, lab.signal)),
    )
    const changed = outcomes.includes('loaded')
    if (!changed) task.unchanged()
    return changed
  })
}

/**
 * Longest the edge may take to send clients to tasks that run: it asks for their names every 500 ms and checks each
 * twice a second.
 */
const SERVING_MS = 10_000

/**
 * Waits until every edge sends clients to all tasks of services that run already. A port on which nothing answers is a
 * warning: the service runs, and only its owner knows when it is to listen.
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
  const edges = nodesWithRole(lab.spec, 'edge')
  let missing = wanted
  const look = async () => {
    const counts = await Promise.all(edges.map(async ({ name }) => countServing(await lab.connect(name), lab.signal)))
    missing = wanted.filter((route) => counts.some((count) => (count.get(routeName(route)) ?? 0) < route.tasks))
    return missing.length === 0 ? true : undefined
  }
  await runTask(lab.emit, 'wait until the edge sends clients to it', async () => {
    try {
      await waitFor(look, { deadlineMs: SERVING_MS, intervalMs: 50, what: 'the edge', signal: lab.signal })
    } catch (error) {
      lab.signal.throwIfAborted()
      if (!(error instanceof LabError) || error.code !== 'DEADLINE') throw error
      for (const { service, target } of missing) {
        const message = `the edge does not reach all tasks of ${service}: does it listen on port ${String(target)}, and not on 127.0.0.1 only?`
        lab.emit({ type: 'notice', level: 'warning', message })
      }
    }
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
