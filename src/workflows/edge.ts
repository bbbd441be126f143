import { LabError } from '../model/errors.ts'
import { LABELS } from '../model/names.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { readRoutes, renderEdge, routeConflicts, type EdgeService } from '../overlay/edge-config.ts'
import { loadEdge } from '../overlay/edge-control.ts'
import { listServices } from '../swarm/services.ts'
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

function refuseConflicts(services: readonly EdgeService[]): void {
  const [conflict] = routeConflicts(services)
  if (conflict === undefined) return
  throw new LabError(
    'EDGE_PORT_TAKEN',
    `${conflict.services.join(' and ')} both want port ${String(conflict.port)} of the edge`,
    { hint: 'give one of them another port under "ports" in its compose.yml' },
  )
}
