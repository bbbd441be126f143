import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { Standing } from './judge-services.ts'
import { listNodes, type SwarmNode } from './nodes.ts'
import { Watch, type WaitForServicesOptions } from './service-watch.ts'
import { readService } from './services.ts'
import { listTasks, type TaskView } from './tasks.ts'

/** Between two looks while things move, and once they have been slow. */
const LOOK_MS = 40
const SLOW_LOOK_MS = 200
/**
 * Waits until every service has exactly its desired number of tasks of its present spec, running and healthy (or
 * completed, for one-shot services and jobs), and no others. Fails fast with `ServicesFailedError` when that will not be.
 */
export async function waitForServices(
  engine: Docker,
  ids: readonly string[],
  options: WaitForServicesOptions,
): Promise<readonly Standing[]> {
  if (ids.length === 0) return []
  const started = performance.now()
  const watch = new Watch(options)
  let nodes: readonly SwarmNode[] = []
  let nodesReadAt = -Infinity
  for (;;) {
    options.signal?.throwIfAborted()
    const stale = performance.now() - nodesReadAt > 1000
    const [found, objects, tasks] = await Promise.all([
      stale ? listNodes(engine, options.signal) : nodes,
      engine.listServices({ filters: { id: [...ids] }, ...abortable(options.signal) }),
      listTasks(engine, ids, nodes, options.signal),
    ])
    if (stale) nodesReadAt = performance.now()
    const named = found === nodes ? tasks : withNames(tasks, found)
    nodes = found
    const services = objects.map(readService)
    const standings = watch.look(ids, services, { nodes, tasks: named })
    if (standings !== undefined) return standings
    const elapsed = performance.now() - started
    if (elapsed > options.deadlineMs) throw watch.late(elapsed)
    await delay(elapsed > 15_000 ? SLOW_LOOK_MS : LOOK_MS, undefined, signalOption(options.signal))
  }
}

function withNames(tasks: readonly TaskView[], nodes: readonly SwarmNode[]): readonly TaskView[] {
  const names = new Map(nodes.map((node) => [node.id, node.name]))
  return tasks.map((task) => ({ ...task, node: task.nodeId === undefined ? undefined : names.get(task.nodeId) }))
}

function abortable(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

function signalOption(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal }
}
