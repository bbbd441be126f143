import { nodeFits, takesTasks } from './placement.ts'
import type { SwarmNode } from './nodes.ts'
import type { ServiceView } from './services.ts'
import { isServing, type TaskView } from './tasks.ts'

/** A service of several tasks, all of which one node would take with it. */
export interface Crowded {
  readonly service: string
  readonly tasks: number
  readonly node: string
}

/**
 * Pure: services whose tasks have come together on one node, though others could have some. The swarm leaves tasks where
 * they are when a node that died comes back empty.
 */
export function crowdedServices(
  services: readonly ServiceView[],
  tasks: readonly TaskView[],
  nodes: readonly SwarmNode[],
): readonly Crowded[] {
  return services.flatMap(({ id, name, constraints }) => {
    const serving = tasks.filter((task) => task.serviceId === id && isServing(task))
    const [node, ...others] = new Set(serving.map((task) => task.node))
    const room = nodes.filter((each) => takesTasks(each) && nodeFits(each, constraints)).length
    if (serving.length < 2 || room < 2 || node === undefined || others.length > 0) return []
    return [{ service: name, tasks: serving.length, node }]
  })
}
