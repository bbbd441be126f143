import type { NodeStatus, ServiceStatus, StatusDocument, VolumeStatus } from '../model/documents.ts'
import { LabError } from '../model/errors.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { FRONT_PORT } from '../model/edge-route.ts'
import { LABELS } from '../model/names.ts'
import type { Endpoint, Machine } from '../model/provider.ts'
import { readRoutes } from '../overlay/edge-config.ts'
import { drainedNodes, listNodes, type SwarmNode } from '../swarm/nodes.ts'
import { listServices, type ServiceView } from '../swarm/services.ts'
import { serviceStanding, swarmPart } from '../swarm/standing.ts'
import { listTasks, type TaskView } from '../swarm/tasks.ts'
import { openVolumeRecords } from '../swarm/volume-store.ts'
import { edgeEndpoints } from './edge-endpoints.ts'
import { edgeTroubles } from './edge-troubles.ts'
import { glance, lookMs, within } from './glance.ts'
import { waitingVolumes } from './drained.ts'
import { managerTroubles, nodeTroubles, viewNodes, type NodeView } from './node-troubles.ts'
import type { OpenLab } from './open-lab.ts'
import { volumesDocument } from './volumes.ts'

/** Longest that each part of the picture of a small lab may take; dead nodes are reported, not waited for. */
const PART_MS = 1800

/** What the swarm knows. */
interface SwarmPicture {
  readonly nodes: readonly SwarmNode[]
  readonly services: readonly ServiceView[]
  readonly tasks: readonly TaskView[]
}

/**
 * The lab at a glance: nodes, services with their tasks, volumes, URLs. Works whatever of it is up: what cannot be known
 * is left out, and `notes` say why.
 */
export async function statusDocument(lab: OpenLab): Promise<StatusDocument> {
  const notes: string[] = []
  const machines = await lab.machines()
  const quick = glance(lab)
  const anyManager = nodesWithRole(lab.spec, 'manager').some(
    ({ name }) => machines.find((machine) => machine.name === name)?.state === 'running',
  )
  const [views, engines, swarm, volumes, endpointOf] = await Promise.all([
    machines.length > 0 ? viewNodes(quick) : [],
    engineVersions(quick, machines),
    anyManager ? orNote(notes, quick, () => swarmPicture(quick)) : undefined,
    anyManager ? volumesPart(quick) : undefined,
    edgeEndpoints(quick, machines),
  ])
  const running = nodesWithRole(lab.spec, 'edge').some(
    ({ name }) => machines.find((machine) => machine.name === name)?.state === 'running',
  )
  if (!anyManager && machines.length > 0) notes.push('services and volumes are unknown: no manager runs (lab up)')
  if (machines.length > 0) notes.unshift(...troubles(lab, views, swarm?.nodes, volumes ?? []))
  const front = await endpointOf(FRONT_PORT)
  if (front === undefined && running) notes.push("nothing leads this host's port to the edges (lab up)")
  const services = await Promise.all(
    (swarm?.services ?? []).map((service) => serviceStatus(service, swarm, endpointOf)),
  )
  return {
    lab: lab.lab.id,
    edge: front === undefined ? undefined : url('http', front),
    nodes: nodeStatuses(lab, machines, engines, swarm?.nodes, views),
    services,
    volumes: volumes ?? [],
    notes,
  }
}

/** What is wrong with nodes and managers, a sentence each, with what to type. */
function troubles(
  { spec }: OpenLab,
  views: readonly NodeView[],
  members: readonly SwarmNode[] | undefined,
  volumes: readonly VolumeStatus[],
): readonly string[] {
  const found = views.flatMap((view) => nodeTroubles(view, members))
  const waiting = drainedNodes(members ?? []).flatMap((node) => {
    const here = volumes.filter(({ owner }) => owner === node)
    return here.length === 0 ? [] : [waitingVolumes(node, here)]
  })
  const managers = nodesWithRole(spec, 'manager').map(({ name }) => name)
  return [
    ...found.map(({ text, hint }) => (hint === undefined ? text : `${text} (${hint})`)),
    ...waiting,
    ...managerTroubles(managers, members),
    ...edgeTroubles(
      nodesWithRole(spec, 'edge').map(({ name }) => name),
      views,
    ),
  ]
}

/** Version of each running node's engine; a node that does not answer has none. */
async function engineVersions(
  lab: OpenLab,
  machines: readonly Machine[],
): Promise<ReadonlyMap<string, string | undefined>> {
  const running = machines.filter((machine) => machine.state === 'running' && machine.paused !== true)
  const versions = await Promise.all(
    running.map(async ({ name }): Promise<readonly [string, string | undefined] | undefined> => {
      try {
        await lab.connect(name)
      } catch {
        // Why stands in the notes.
        lab.signal.throwIfAborted()
        return undefined
      }
      try {
        return [
          name,
          (await within(lookMs(PART_MS, running.length), lab.signal, async () => (await lab.engine(name)).version()))
            .Version,
        ]
      } catch {
        lab.signal.throwIfAborted()
        return [name, undefined]
      }
    }),
  )
  return new Map(versions.filter((each) => each !== undefined))
}

async function swarmPicture(lab: OpenLab): Promise<SwarmPicture> {
  return within(lookMs(PART_MS, lab.spec.nodes.length), lab.signal, async (signal) => {
    const { engine } = await lab.manager()
    const [nodes, services, tasks] = await Promise.all([
      listNodes(engine, signal),
      listServices(engine, signal),
      listTasks(engine, [], [], signal),
    ])
    const names = new Map(nodes.map((node) => [node.id, node.name]))
    const named = tasks.map((task) => ({
      ...task,
      node: task.nodeId === undefined ? undefined : names.get(task.nodeId),
    }))
    return { nodes, services, tasks: named }
  })
}

/** Volumes with their figures, or, where a pool takes too long, what their records say. */
async function volumesPart(lab: OpenLab): Promise<readonly VolumeStatus[] | undefined> {
  const deadlineMs = lookMs(PART_MS, lab.spec.nodes.length)
  try {
    return (await within(deadlineMs, lab.signal, () => volumesDocument(lab))).volumes
  } catch {
    lab.signal.throwIfAborted()
  }
  try {
    const stored = await within(deadlineMs, lab.signal, () =>
      openVolumeRecords(async () => (await lab.manager()).engine).list(),
    )
    return stored.map(({ record: { name, app, service, owner, driver, epoch, phase } }) => {
      const unknown = { sizeBytes: undefined, usedBytes: undefined, snapshots: undefined }
      return { name, app, service, owner, driver, epoch, phase, ...unknown }
    })
  } catch {
    // Without a manager there are no records; the note of the services says so already.
    lab.signal.throwIfAborted()
    return undefined
  }
}

async function serviceStatus(
  service: ServiceView,
  swarm: SwarmPicture | undefined,
  endpointOf: (port: number) => Promise<Endpoint | undefined>,
): Promise<ServiceStatus> {
  const { desired, running, tasks } = serviceStanding(service, swarm?.tasks ?? [], swarm?.nodes ?? [])
  const routes = readRoutes(service.labels[LABELS.routes])
  const urls = await Promise.all(
    routes.map(async ({ port, protocol }) => {
      const endpoint = await endpointOf(port)
      return endpoint === undefined ? [] : [url(protocol, endpoint)]
    }),
  )
  return {
    name: service.name,
    app: service.app,
    desired,
    running,
    image: service.image,
    urls: urls.flat(),
    tasks: tasks.map(({ id, node, address, state, health, error }) => ({ id, node, address, state, health, error })),
  }
}

function nodeStatuses(
  lab: OpenLab,
  machines: readonly Machine[],
  engines: ReadonlyMap<string, string | undefined>,
  members: readonly SwarmNode[] | undefined,
  views: readonly NodeView[],
): readonly NodeStatus[] {
  const listed = new Set(lab.spec.nodes.map(({ name }) => name))
  const extra = machines.filter(({ name }) => !listed.has(name)).map(({ name }) => ({ name, roles: [] }))
  return [...lab.spec.nodes, ...extra].map(({ name, roles }) => {
    const machine = machines.find((each) => each.name === name)
    const state = machine?.state ?? 'missing'
    const use = views.find((view) => view.name === name)?.use
    return {
      name,
      roles,
      address: machine?.address,
      ...(machine?.networks === undefined ? {} : { networks: machine.networks }),
      provider: lab.provider.name,
      state: state === 'running' && !engines.has(name) ? 'unreachable' : state,
      engine: engines.get(name),
      swarm: members === undefined ? undefined : swarmPart(members, name),
      ...(use === undefined ? {} : { use }),
    }
  })
}

async function orNote<T>(notes: string[], lab: OpenLab, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    lab.signal.throwIfAborted()
    const hint = error instanceof LabError && error.hint !== undefined ? ` (${error.hint})` : ''
    notes.push(`services and volumes are unknown: ${messageOf(error)}${hint}`)
    return undefined
  }
}

function url(protocol: 'http' | 'tcp', { host, port }: Endpoint): string {
  return `${protocol}://${host}:${String(port)}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
