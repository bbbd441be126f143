import type Docker from 'dockerode'
import { readNode, type SwarmNode } from '../../src/swarm/nodes.ts'
import { readService, type ServiceView } from '../../src/swarm/services.ts'
import type { SwarmTask, TaskState } from '../../src/swarm/swarm-objects.ts'
import { readTask, type TaskView } from '../../src/swarm/tasks.ts'

const TEMPLATE: Docker.ContainerTaskSpec = {
  ContainerSpec: { Image: 'registry.lab.local:5000/web@sha256:1' },
  Networks: [{ Target: 'net1', Aliases: ['web', 'web.lab.local'] }],
  Placement: { Constraints: ['node.labels.lab.role.worker==true'] },
  RestartPolicy: { Condition: 'any' },
}

export interface ServiceOptions {
  readonly replicas?: number
  readonly mode?: Docker.ServiceMode
  readonly image?: string
  readonly constraints?: string[]
  readonly restart?: Docker.TaskRestartPolicy
  readonly labels?: Record<string, string>
  readonly update?: Docker.UpdateStatus
  readonly id?: string
}

/** A service as the engine lists it, read by the code under test. */
export function aService(options: ServiceOptions = {}): ServiceView {
  return readService({
    ID: options.id ?? 's1',
    Spec: {
      Name: 'shop_web',
      Labels: { 'lab.app': 'shop', 'lab.service': 'web', ...options.labels },
      // Services name the runtime, their tasks do not.
      TaskTemplate: { ...templateOf(options), Runtime: 'container' },
      Mode: options.mode ?? { Replicated: { Replicas: options.replicas ?? 1 } },
    },
    UpdateStatus: options.update,
  })
}

/** A worker of the swarm. */
export function aNode(
  name: string,
  options: {
    readonly state?: SwarmNode['state']
    readonly labels?: Record<string, string>
    readonly drained?: true
    /** Of a manager: whether the others reach it. */
    readonly manages?: 'reachable' | 'unreachable'
    /** Of a manager. */
    readonly leads?: true
  } = {},
): SwarmNode {
  return readNode({
    ID: `id-${name}`,
    Version: { Index: 1 },
    Spec: {
      Role: options.manages === undefined ? 'worker' : 'manager',
      Availability: options.drained === true ? 'drain' : 'active',
      Labels: options.labels ?? { 'lab.role.worker': 'true' },
    },
    Description: { Hostname: name },
    Status: { State: options.state ?? 'ready' },
    ...(options.manages !== undefined && {
      ManagerStatus: { Reachability: options.manages, Leader: options.leads ?? false },
    }),
  })
}

export interface TaskOptions extends ServiceOptions {
  readonly slot?: number
  readonly state?: TaskState
  readonly desired?: TaskState
  readonly node?: string
  readonly error?: string
  readonly exitCode?: number
  readonly at?: number
}

let counter = 0

/** A task as the engine lists it (without the runtime, as it does), read by the code under test. */
export function aTask(options: TaskOptions = {}): TaskView {
  const number = ++counter
  const node = options.node ?? 'node1'
  const task: SwarmTask = {
    ID: `t${String(number)}`,
    ServiceID: options.id ?? 's1',
    CreatedAt: new Date(options.at ?? number * 1000).toISOString(),
    UpdatedAt: new Date(0).toISOString(),
    Slot: options.slot ?? 1,
    NodeID: node === '' ? '' : `id-${node}`,
    DesiredState: options.desired ?? 'running',
    Spec: templateOf(options),
    Status: {
      Timestamp: new Date(0).toISOString(),
      State: options.state ?? 'running',
      ...(options.error === undefined ? {} : { Err: options.error }),
      ContainerStatus: { ContainerID: `c${String(number)}`, ExitCode: options.exitCode ?? 0 },
    },
    NetworksAttachments: [
      { Network: { ID: 'net0', Spec: { Name: 'private' } }, Addresses: ['10.9.0.9/24'] },
      { Network: { ID: 'net1', Spec: { Name: 'lab' } }, Addresses: [`10.1.240.${String(number)}/20`] },
    ],
  }
  return readTask(task, new Map([[`id-${node}`, node]]))
}

function templateOf(options: ServiceOptions): Docker.ContainerTaskSpec {
  return {
    ...TEMPLATE,
    ContainerSpec: { ...TEMPLATE.ContainerSpec, ...(options.image === undefined ? {} : { Image: options.image }) },
    ...(options.constraints === undefined ? {} : { Placement: { Constraints: options.constraints } }),
    ...(options.restart === undefined ? {} : { RestartPolicy: options.restart }),
  }
}
