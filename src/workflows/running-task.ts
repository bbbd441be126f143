import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import { unknownName } from '../model/names.ts'
import { listNodes } from '../swarm/nodes.ts'
import { listServices, serviceNamed } from '../swarm/services.ts'
import { isServing, listTasks, type TaskView } from '../swarm/tasks.ts'
import type { OpenLab } from './open-lab.ts'

/** A container of a service, and the connection to its node. */
export interface RunningTask {
  readonly service: string
  readonly node: string
  readonly containerId: string
  readonly connection: Connection
}

/**
 * A running container of a service, a healthy one if there is one, of the given node if one is given. Throws `NO_TASK`
 * when none runs where it can be reached.
 */
export async function runningTask(lab: OpenLab, service: string, node: string | undefined): Promise<RunningTask> {
  const names = lab.spec.nodes.map(({ name }) => name)
  if (node !== undefined && !names.includes(node)) throw unknownName('node', node, names)
  const { engine } = await lab.manager()
  const [services, nodes] = await Promise.all([listServices(engine, lab.signal), listNodes(engine, lab.signal)])
  const { id, name } = serviceNamed(services, service)
  const candidates = inOrderOfChoice(await listTasks(engine, [id], nodes, lab.signal), node)
  let unreachable: LabError | undefined
  for (const task of candidates) {
    if (task.node === undefined || task.containerId === undefined) continue
    try {
      const connection = await lab.connect(task.node)
      return { service: name, node: task.node, containerId: task.containerId, connection }
    } catch (error) {
      // The swarm notices a dead node some seconds later than we do: another task may be reachable.
      if (!(error instanceof LabError) || error.code !== 'UNREACHABLE') throw error
      unreachable = error
    }
  }
  throw new LabError('NO_TASK', `no container of ${name} runs${node === undefined ? '' : ` on ${node}`}`, {
    where: name,
    hint: 'lab status shows where its tasks are and what keeps them from running',
    cause: unreachable,
  })
}

/** Pure: tasks with a container one can enter, those that serve first, then those that just start; newest first. */
export function inOrderOfChoice(tasks: readonly TaskView[], node: string | undefined): readonly TaskView[] {
  return tasks
    .filter((task) => task.containerId !== undefined && (node === undefined || task.node === node))
    .filter((task) => task.state === 'running' || task.state === 'starting')
    .sort((a, b) => Number(isServing(b)) - Number(isServing(a)) || (a.createdAt < b.createdAt ? 1 : -1))
}
