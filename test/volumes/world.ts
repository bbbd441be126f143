import { LabError } from '../../src/model/errors.ts'
import type { NodeVolume, VolumeRecord } from '../../src/model/volume.ts'
import type { VolumeChanges } from '../../src/model/volume-transfer.ts'
import { idleRecord } from './idle-record.ts'

/** Name of the one volume there is. */
const VOLUME = 'data'

/** A node as the protocol sees it. `upTo` says up to which acknowledged write a copy goes. */
export interface WorldNode {
  up: boolean
  live: { upTo: number; frozen: boolean } | undefined
  snapshots: { name: string; identity: string; upTo: number }[]
  lease: number
  fence: number
  served: boolean
  /** A task of the service runs here, and writes all the time. */
  running: boolean
}

/** Everything there is, apart from those who move volumes: plain data, so that it can be copied and compared. */
export interface World {
  nodes: Record<string, WorldNode>
  record: VolumeRecord
  recordVersion: number
  placed: string[]
  /** The last acknowledged write. */
  acknowledged: number
  /** How often a snapshot of a name was made: a later one of the same name is another one. */
  made: Record<string, number>
}

/** A message to the swarm or to a node. */
export interface Request {
  readonly verb:
    | 'list'
    | 'replace'
    | 'placed'
    | 'place'
    | 'state'
    | 'changes'
    | 'snapshot'
    | 'delete'
    | 'grant'
    | 'fence'
    | 'retire'
    | 'transfer'
  /** The node that does it; undefined: the swarm. */
  readonly node?: string
  readonly epoch?: number
  readonly snapshot?: string
  readonly since?: string
  /** Target of a transfer, or node that gets the label. */
  readonly to?: string
  readonly version?: number
  readonly record?: VolumeRecord
}

/** What makes the protocol safe, each of which a test can take away. */
export interface Guards {
  /** A record is only replaced in the version that was read. */
  readonly compareRecord: boolean
  /** No grant of an epoch that was given up, or is older than the lease. */
  readonly compareGrant: boolean
  /** No fence under an epoch older than the lease. */
  readonly compareFence: boolean
  /** A copy is retired only where it was fenced at just that epoch. */
  readonly compareRetire: boolean
}

export const GUARDS: Guards = {
  compareRecord: true,
  compareGrant: true,
  compareFence: true,
  compareRetire: true,
}

/** A world in which the first node has the volume and serves it. */
export function firstWorld(names: readonly string[]): World {
  const empty = (): WorldNode => ({
    up: true,
    live: undefined,
    snapshots: [],
    lease: 0,
    fence: 0,
    served: false,
    running: false,
  })
  const [owner = ''] = names
  const nodes = Object.fromEntries(names.map((name) => [name, empty()]))
  Object.assign(nodes[owner] ?? {}, { live: { upTo: 0, frozen: false }, lease: 1, served: true, running: true })
  const record = idleRecord({ name: VOLUME, owner })
  return { nodes, record, recordVersion: 1, placed: [owner], acknowledged: 0, made: {} }
}

export function nodeOf(world: World, name = ''): WorldNode {
  const found = world.nodes[name]
  if (found === undefined) throw new Error(`no node ${name}`)
  return found
}

/** Another world that is equal; what is shared between the two is never changed in place. */
export function copyWorld(world: World): World {
  const nodes = Object.entries(world.nodes).map(([name, node]) => {
    const live = node.live === undefined ? undefined : { ...node.live }
    return [name, { ...node, live }] as const
  })
  return { ...world, nodes: Object.fromEntries(nodes) }
}

/** A node's machine ends; what is on its disk stays. */
export function crash(world: World, name: string): void {
  Object.assign(nodeOf(world, name), { up: false, served: false, running: false })
}

/** It boots, and serves what it has a lease for. */
export function boot(world: World, name: string): void {
  const node = nodeOf(world, name)
  node.up = true
  if (node.lease <= node.fence) node.lease = 0
  node.served = node.lease > 0 && node.live !== undefined
}

/** True when the request can be done now: a fence waits until nothing uses the volume. */
export function isReady(world: World, { verb, node }: Request): boolean {
  return verb !== 'fence' || !nodeOf(world, node).running
}

/**
 * Does what a request asks for and returns the answer, or throws as the real thing does. Of a node's change only the
 * first `steps` steps are done: for a node that crashes in the middle.
 */
export function execute(world: World, request: Request, guards: Guards, steps = 99): unknown {
  const { verb, snapshot = '' } = request
  switch (verb) {
    case 'list':
      return [{ record: world.record, id: 'r', version: world.recordVersion }]
    case 'replace':
      if (guards.compareRecord && request.version !== world.recordVersion) {
        throw new LabError('VOLUME_CONFLICT', 'the record was changed')
      }
      world.record = request.record ?? world.record
      world.recordVersion++
      return { record: world.record, id: 'r', version: world.recordVersion }
    case 'placed':
      return [...world.placed]
    case 'place':
      world.placed = request.to === undefined ? [] : [request.to]
      return null
    default:
  }
  const node = nodeOf(world, request.node)
  if (!node.up) throw unreachable(request.node)
  switch (verb) {
    case 'state':
      return [seen(node)]
    case 'changes':
      return changes(node, request.since)
    case 'snapshot':
      return take(world, node, snapshot)
    case 'delete':
      node.snapshots = node.snapshots.filter(({ name }) => name !== snapshot)
      return null
    case 'transfer':
      return transfer(world, node, request)
    default:
      for (const step of change(world, node, request, guards).slice(0, steps)) step()
      return verb === 'fence' ? (seen(node).snapshots.find(({ name }) => name === snapshot) ?? null) : null
  }
}

/** In how many steps a node does this; it may crash between them. */
export function stepsOf(world: World, request: Request, guards: Guards): number {
  if (!['grant', 'fence', 'retire'].includes(request.verb)) return 1
  try {
    return change(world, nodeOf(world, request.node), request, guards).length
  } catch {
    // Refused: nothing is done.
    return 0
  }
}

/** Steps of what changes the right to write, in the order of the script on the nodes. */
function change(world: World, node: WorldNode, { verb, epoch = 0, snapshot }: Request, guards: Guards) {
  const refuse = () => new LabError('EPOCH_FENCED', `${verb} ${String(epoch)} was refused`)
  const made = node.snapshots.find(({ name }) => name === snapshot)
  switch (verb) {
    case 'grant':
      if (guards.compareGrant && (epoch <= node.fence || epoch < node.lease)) throw refuse()
      if (node.live === undefined && made === undefined) throw new LabError('VOLUME_DRIVER', 'no data')
      return [
        () => (node.live = { upTo: node.live?.upTo ?? made?.upTo ?? 0, frozen: false }),
        () => (node.lease = epoch),
        () => (node.served = true),
      ]
    case 'fence':
      if (guards.compareFence && node.lease > epoch) throw refuse()
      return [
        () => (node.served = false),
        () => (node.fence = Math.max(node.fence, epoch)),
        () => (node.lease = 0),
        () => {
          if (node.live !== undefined) node.live.frozen = true
        },
        () => {
          if (snapshot !== undefined && node.live !== undefined && made === undefined) take(world, node, snapshot)
        },
      ]
    case 'retire':
      if (guards.compareRetire && (node.fence !== epoch || node.lease > 0 || node.served)) throw refuse()
      if (node.live === undefined) return []
      return [
        () => {
          if (made === undefined) take(world, node, snapshot ?? '')
        },
        () => {
          node.live = undefined
          node.served = false
        },
      ]
    default:
      throw new Error(`${verb} is no change of rights`)
  }
}

function take(world: World, node: WorldNode, name: string) {
  if (node.live === undefined) throw new LabError('VOLUME_DRIVER', 'no live copy')
  if (node.snapshots.some((each) => each.name === name)) throw new LabError('VOLUME_DRIVER', 'is there')
  const made = (world.made[name] ?? 0) + 1
  world.made = { ...world.made, [name]: made }
  const identity = `${name}#${String(made)}`
  node.snapshots = [...node.snapshots, { name, identity, upTo: node.live.upTo }]
  return { name, identity }
}

/** Too much to be left to the time in which the engine stops a service. */
const LARGE_BYTES = 16 * 1024 * 1024

/** What was written since a snapshot. */
function changes({ live, snapshots }: WorldNode, since: string | undefined): VolumeChanges {
  const base = snapshots.find(({ name }) => name === since)
  const bytes = base !== undefined && base.upTo === live?.upTo ? 0 : LARGE_BYTES
  return { bytes, writtenBytes: 0, overMs: 0 }
}

function transfer(world: World, node: WorldNode, { snapshot, since, to }: Request): number {
  const target = nodeOf(world, to)
  const sent = node.snapshots.find(({ name }) => name === snapshot)
  const based = since === undefined || target.snapshots.some(({ name }) => name === since)
  const there = target.snapshots.some(({ name }) => name === snapshot)
  if (!target.up || sent === undefined || !based || there) throw new LabError('TRANSFER_FAILED', 'it broke off')
  target.snapshots = [...target.snapshots, sent]
  return LARGE_BYTES
}

function seen(node: WorldNode): NodeVolume {
  return {
    name: VOLUME,
    live: node.live === undefined ? 'absent' : node.live.frozen ? 'frozen' : 'writable',
    snapshots: node.snapshots.map(({ name, identity }) => ({ name, identity })),
    served: node.served,
    leaseEpoch: node.lease,
    fencedEpoch: node.fence,
  }
}

export function unreachable(node = 'the manager'): LabError {
  return new LabError('UNREACHABLE', `${node} cannot be reached`)
}
