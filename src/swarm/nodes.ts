import type Docker from 'dockerode'
import { LabError } from '../model/errors.ts'
import { LABELS, unknownName } from '../model/names.ts'
import { engineMessage, engineStatus } from './engine.ts'
import type { SwarmNodeObject } from './swarm-objects.ts'

/** A member of the swarm. `name` is its hostname, which is the node's name in lab.yml. */
export interface SwarmNode {
  readonly id: string
  readonly name: string
  readonly role: 'worker' | 'manager'
  readonly leader: boolean
  /** It counts among the managers that have to agree. */
  readonly manages: boolean
  /** Those that have to agree with it reach it. */
  readonly reachable: boolean
  readonly availability: 'active' | 'pause' | 'drain'
  readonly state: 'unknown' | 'down' | 'ready' | 'disconnected'
  readonly address: string | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly engineLabels: Readonly<Record<string, string>>
  readonly engineVersion: string | undefined
  readonly platform: { readonly os: string; readonly architecture: string }
}

/** Every member of the swarm, as a manager knows it. A node that left and came back is listed twice, the old one down. */
export async function listNodes(engine: Docker, signal?: AbortSignal): Promise<readonly SwarmNode[]> {
  const nodes = (await engine.listNodes(
    signal === undefined ? {} : { abortSignal: signal },
  )) as readonly SwarmNodeObject[]
  return nodes.map(readNode)
}

/** Pure: the parts of a listed node that lab uses. */
export function readNode(node: SwarmNodeObject): SwarmNode {
  return {
    id: node.ID,
    name: node.Description.Hostname,
    role: node.Spec.Role,
    leader: node.ManagerStatus?.Leader ?? false,
    manages: node.ManagerStatus !== undefined,
    reachable: node.ManagerStatus?.Reachability === 'reachable',
    availability: node.Spec.Availability,
    state: node.Status.State,
    address: node.Status.Addr,
    labels: node.Spec.Labels ?? {},
    engineLabels: node.Description.Engine?.Labels ?? {},
    engineVersion: node.Description.Engine?.EngineVersion,
    platform: {
      os: node.Description.Platform?.OS ?? 'linux',
      architecture: node.Description.Platform?.Architecture ?? '',
    },
  }
}

/** The member with a name; of several (one left and rejoined) the one that is ready. Throws `UNKNOWN_NAME`. */
export function nodeNamed(nodes: readonly SwarmNode[], name: string): SwarmNode {
  const same = nodes.filter((node) => node.name === name)
  const found = same.find((node) => node.state === 'ready') ?? same[0]
  if (found === undefined) throw unknownName('node of the swarm', name, [...new Set(nodes.map((node) => node.name))])
  return found
}

/**
 * Sets labels of a member (a value of undefined removes one) and leaves its others alone. Another writer in between is
 * no error: the change is made again on what that one left. Returns false when there was nothing to change.
 */
export async function labelNode(
  engine: Docker,
  name: string,
  labels: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  return updateNode(engine, name, (spec) => {
    const after = mergeLabels(spec.Labels ?? {}, labels)
    return after === undefined ? undefined : { ...spec, Labels: after }
  })
}

/** Takes every task off a member and gives it none until it is told otherwise; or lets it have tasks again. */
export async function setDrained(engine: Docker, name: string, drained: boolean): Promise<boolean> {
  const availability = drained ? 'drain' : 'active'
  return updateNode(engine, name, (spec) => {
    const before = spec.Labels ?? {}
    const labels = mergeLabels(before, { [LABELS.drained]: drained ? 'by-hand' : undefined })
    if (labels === undefined && spec.Availability === availability) return undefined
    return { ...spec, Availability: availability, Labels: labels ?? before }
  })
}

/** Names of members that `lab node drain` drained. */
export function drainedNodes(nodes: readonly SwarmNode[]): readonly string[] {
  return nodes.filter(({ labels }) => LABELS.drained in labels).map(({ name }) => name)
}

/** Makes a manager a worker, whether or not it still answers; of several members with one name, the one with this id. */
export async function demoteNode(engine: Docker, id: string, name: string): Promise<void> {
  await updateNode(engine, name, (spec) => (spec.Role === 'worker' ? undefined : { ...spec, Role: 'worker' }), id)
}

/** Takes a member that is gone, or goes, off the list; nothing where it is not on it. */
export async function forgetNode(engine: Docker, id: string): Promise<void> {
  try {
    await engine.getNode(id).remove({ force: true })
  } catch (error) {
    if (engineStatus(error) !== 404) throw error
  }
}

async function updateNode(
  engine: Docker,
  name: string,
  change: (spec: SwarmNodeObject['Spec']) => SwarmNodeObject['Spec'] | undefined,
  known?: string,
): Promise<boolean> {
  const id = known ?? nodeNamed(await listNodes(engine), name).id
  for (let attempt = 1; ; attempt++) {
    const node = (await engine.getNode(id).inspect()) as SwarmNodeObject
    const after = change(node.Spec)
    if (after === undefined) return false
    try {
      await engine.getNode(id).update({ _query: { version: node.Version.Index }, _body: after })
      return true
    } catch (error) {
      if (!isOutOfSequence(error) || attempt >= 10) {
        throw new LabError('NODE_UPDATE', `the swarm refused the change of the node: ${engineMessage(error)}`, {
          where: name,
          cause: error,
        })
      }
    }
  }
}

/** Pure: the labels after a change, or undefined when they stay as they are. */
export function mergeLabels(
  before: Readonly<Record<string, string>>,
  change: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> | undefined {
  const after = new Map(Object.entries(before))
  let changed = false
  for (const [key, value] of Object.entries(change)) {
    if (after.get(key) === value) continue
    changed = true
    if (value === undefined) after.delete(key)
    else after.set(key, value)
  }
  return changed ? Object.fromEntries(after) : undefined
}

/** True when a manager refused an update because somebody else's came first (compare-and-swap on the version). */
export function isOutOfSequence(error: unknown): boolean {
  return engineStatus(error) !== undefined && engineMessage(error).includes('out of sequence')
}
