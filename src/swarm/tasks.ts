import type Docker from 'dockerode'
import { OVERLAY } from '../model/names.ts'
import type { SwarmNode } from './nodes.ts'
import { LIVE_STATES, type SwarmTask, type TaskState } from './swarm-objects.ts'

/** A task of a service, with names instead of ids. */
export interface TaskView {
  readonly id: string
  readonly serviceId: string
  /** Number of the replica, from 1; undefined for global services. */
  readonly slot: number | undefined
  readonly nodeId: string | undefined
  /** Name of its node; undefined until it is placed. */
  readonly node: string | undefined
  readonly state: TaskState
  readonly desiredState: TaskState
  /** `healthy` is told apart from `running` only where the service has a health check of its own. */
  readonly health: 'healthy' | 'starting' | 'unhealthy' | 'none'
  readonly error: string | undefined
  readonly message: string | undefined
  readonly containerId: string | undefined
  readonly exitCode: number | undefined
  /** Its address on the lab's overlay, without prefix length. */
  readonly address: string | undefined
  readonly createdAt: string
  /** When it came into its state, by its node's clock. */
  readonly since: string
  /** What it was made from; compared with the service's template to tell old tasks from new ones. */
  readonly spec: Docker.ContainerTaskSpec
  readonly jobIteration: number | undefined
}

/** Every task of the services that the swarm remembers, in one call. No ids: of all services. */
export async function listTasks(
  engine: Docker,
  serviceIds: readonly string[],
  nodes: readonly SwarmNode[],
  signal?: AbortSignal,
): Promise<readonly TaskView[]> {
  const tasks = (await engine.listTasks({
    ...(serviceIds.length === 0 ? {} : { filters: { service: serviceIds } }),
    ...(signal === undefined ? {} : { abortSignal: signal }),
  })) as readonly SwarmTask[]
  const names = new Map(nodes.map((node) => [node.id, node.name]))
  return tasks.map((task) => readTask(task, names))
}

/** Pure: one listed task. `nodeNames` maps node ids to names. */
export function readTask(task: SwarmTask, nodeNames: ReadonlyMap<string, string>): TaskView {
  const container = task.Status.ContainerStatus
  const nodeId = task.NodeID === '' ? undefined : task.NodeID
  return {
    id: task.ID,
    serviceId: task.ServiceID,
    slot: task.Slot,
    nodeId,
    node: nodeId === undefined ? undefined : nodeNames.get(nodeId),
    state: task.Status.State,
    desiredState: task.DesiredState,
    health: healthOf(task),
    error: task.Status.Err === '' ? undefined : task.Status.Err,
    message: task.Status.Message,
    containerId: container?.ContainerID === '' ? undefined : container?.ContainerID,
    exitCode: container?.ExitCode,
    address: task.NetworksAttachments?.find(
      (attachment) => attachment.Network.Spec?.Name === OVERLAY,
    )?.Addresses?.[0]?.replace(/\/\d+$/, ''),
    createdAt: task.CreatedAt,
    since: task.Status.Timestamp,
    spec: task.Spec,
    jobIteration: task.JobIteration?.Index,
  }
}

/** True until the task's container has ended or will never be. */
export function isAlive(task: Pick<TaskView, 'state'>): boolean {
  return (LIVE_STATES as readonly string[]).includes(task.state)
}

/** True when the swarm wants the task to run (or already to be ready to), not to go away. */
export function isWanted(task: Pick<TaskView, 'desiredState'>): boolean {
  return (LIVE_STATES as readonly string[]).includes(task.desiredState)
}

/** True for a task that serves: wanted, running and, where there is a check, healthy. */
export function isServing(task: Pick<TaskView, 'state' | 'desiredState'>): boolean {
  return task.state === 'running' && isWanted(task)
}

/** True for an error of a container that failed its health check. */
export function isUnhealthy(task: Pick<TaskView, 'error'>): boolean {
  return task.error?.includes('unhealthy container') ?? false
}

function healthOf(task: SwarmTask): TaskView['health'] {
  if (task.Status.Err?.includes('unhealthy container') === true) return 'unhealthy'
  const spec = task.Spec.ContainerSpec as (Docker.ContainerSpec & { Healthcheck?: Docker.HealthConfig }) | undefined
  const test = spec?.Healthcheck?.Test
  if (test === undefined || test.length === 0 || test[0] === 'NONE')
    return task.Status.State === 'starting' ? 'starting' : 'none'
  if (task.Status.State === 'running') return 'healthy'
  return task.Status.State === 'starting' ? 'starting' : 'none'
}
