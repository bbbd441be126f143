import type Docker from 'dockerode'
import { LabError } from '../model/errors.ts'
import { LABELS, volumeLabel } from '../model/names.ts'
import type { VolumeService, VolumeScheduler } from '../model/volume-service.ts'
import { waitFor } from '../model/wait.ts'
import { labelNode, listNodes } from './nodes.ts'
import { listServices } from './services.ts'
import { isServing, listTasks } from './tasks.ts'

const HERE = 'here'
/** What an engine gives a container to stop when the service does not say. */
const DEFAULT_GRACE_MS = 10_000
const LOOK_MS = 50
/** Tasks that fail one after the other before nobody waits any longer. */
const MOST_FAILURES = 3

/** What moves of volumes need of the swarm. `engine` gives the engine of a manager. */
export function openVolumeScheduler(engine: () => Promise<Docker>): VolumeScheduler {
  const placed = async (volume: string): Promise<readonly string[]> => {
    const nodes = await listNodes(await engine())
    // A member that left and joined again is listed twice; its former self never comes back.
    const present = nodes.filter(
      (node) => node.state === 'ready' || !nodes.some(({ name, state }) => name === node.name && state === 'ready'),
    )
    return present.filter(({ labels }) => labels[volumeLabel(volume)] === HERE).map(({ name }) => name)
  }
  return {
    placed,
    place: async (volume, node) => {
      const manager = await engine()
      const label = volumeLabel(volume)
      const others = (await placed(volume)).filter((name) => name !== node)
      for (const other of others) await labelNode(manager, other, { [label]: undefined })
      if (node !== undefined) await labelNode(manager, node, { [label]: HERE })
    },
    service: async (record) => {
      const services = await listServices(await engine())
      const found = services.find(({ labels }) => labels[LABELS.volume] === record.name)
      if (found === undefined || found.replicas === 0) return undefined
      const container = found.template.ContainerSpec as
        (Docker.ContainerSpec & { Healthcheck?: Docker.HealthConfig }) | undefined
      const test = container?.Healthcheck?.Test ?? []
      const grace = container?.StopGracePeriod
      return {
        id: found.id,
        name: found.name,
        image: found.image,
        stopGraceMs: grace === undefined ? DEFAULT_GRACE_MS : grace / 1e6,
        healthChecked: test.length > 0 && test[0] !== 'NONE',
      }
    },
    waitServing: (service, node, deadlineMs, signal) => waitServing(engine, service, node, deadlineMs, signal),
  }
}

async function waitServing(
  engine: () => Promise<Docker>,
  service: VolumeService,
  node: string,
  deadlineMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  let seen = 'no task yet'
  const failedBefore = new Set<string>()
  let first = true
  const look = async (): Promise<true | undefined> => {
    const manager = await engine()
    const nodes = await listNodes(manager, signal)
    const tasks = await listTasks(manager, [service.id], nodes, signal)
    if (tasks.some((task) => isServing(task) && task.node === node)) return true
    const failed = tasks.filter(({ state }) => state === 'failed' || state === 'rejected')
    if (first) for (const { id } of failed) failedBefore.add(id)
    first = false
    const newest = tasks.toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0]
    if (newest !== undefined) seen = `${newest.state}${newest.error === undefined ? '' : `: ${newest.error}`}`
    if (nodes.every((each) => each.name !== node || each.state === 'down')) {
      throw notServing(service, `${node} is down`, 'lab up')
    }
    const failures = failed.filter(({ id }) => !failedBefore.has(id))
    const last = failures[0]
    if (last === undefined || failures.length < MOST_FAILURES) return undefined
    throw notServing(service, `${service.name} fails on ${node}: ${last.error ?? last.message ?? 'no reason given'}`)
  }
  try {
    await waitFor(look, {
      deadlineMs,
      intervalMs: LOOK_MS,
      what: `${service.name} to serve on ${node}`,
      lastSeen: () => seen,
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'DEADLINE') throw error
    throw notServing(service, error.message)
  }
}

function notServing(service: VolumeService, message: string, hint = `lab logs ${service.name}`): LabError {
  return new LabError('NOT_SERVING', message, { where: `service ${service.name}`, hint })
}
