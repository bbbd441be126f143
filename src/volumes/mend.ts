import { LabError } from '../model/errors.ts'
import type { NodeVolume, NodeVolumes, VolumeRecord } from '../model/volume.ts'
import type { VolumeScheduler } from '../model/volume-service.ts'
import { deleteEndedReplica } from './ended-replica.ts'
import { newestCommon } from './move/copy-round.ts'
import { finalSnapshot } from './move/next-action.ts'
import { giveUp, orphanName } from './orphan.ts'
import { ordersDigest, ordersText } from './orders.ts'
import { absentVolume } from './node-volumes.ts'

/** What mending works with. */
export interface MendContext {
  readonly scheduler: VolumeScheduler
  readonly workers: readonly string[]
  node(name: string): Promise<NodeVolumes>
}

interface Observed {
  readonly node: NodeVolumes
  readonly volumes: readonly NodeVolume[]
}

/**
 * Makes nodes and labels follow the records of volumes that are not on the move. Nodes that are down are left for the
 * next time: they serve nothing. Data is never deleted: a copy that differs is kept as a snapshot `orphan-EPOCH`. What
 * is left of replicas that were ended while their node was down goes.
 */
export async function mendVolumes(context: MendContext, records: readonly VolumeRecord[]): Promise<readonly string[]> {
  const observed = await observeAll(context)
  const mended: string[] = []
  for (const record of records) {
    if (record.phase !== 'idle' || record.rollback !== undefined || record.epoch === 0) continue
    const owner = observed.find(({ node }) => node.node === record.owner)
    if (owner !== undefined && isBeingDestroyed(owner, record)) {
      mended.push(`${record.name} was being destroyed: "lab volume destroy ${record.name}" again finishes that`)
      continue
    }
    for (const each of observed) {
      if (each !== owner) mended.push(...(await retireStray(each, record, owner)), ...(await endOrders(each, record)))
    }
    if (owner !== undefined) {
      mended.push(...(await assertOwner(owner, record)))
      // The owner has the data, so nothing of this is the last copy.
      for (const each of observed) if (each !== owner) mended.push(...(await endReplica(each, record)))
    }
    const placed = await context.scheduler.placed(record.name)
    if (placed.length === 1 && placed[0] === record.owner) continue
    try {
      await context.scheduler.place(record.name, record.owner)
      mended.push(`${record.owner} is labelled as the node of ${record.name} again`)
    } catch (error) {
      // An owner that is no member of the swarm is labelled once it is.
      if (!(error instanceof LabError) || error.code !== 'UNKNOWN_NAME') throw error
    }
  }
  return mended
}

/** Nothing else has an owner give up the epoch that its record still names. */
function isBeingDestroyed({ volumes }: Observed, { name, epoch }: VolumeRecord): boolean {
  return (volumes.find((each) => each.name === name)?.fencedEpoch ?? 0) >= epoch
}

async function observeAll(context: MendContext): Promise<readonly Observed[]> {
  const all = await Promise.all(
    context.workers.map(async (name): Promise<Observed | undefined> => {
      try {
        const node = await context.node(name)
        return { node, volumes: await node.state() }
      } catch (error) {
        if (error instanceof LabError && error.code === 'UNREACHABLE') return undefined
        throw error
      }
    }),
  )
  return all.filter((each) => each !== undefined)
}

/** A lease that was lost is written again, under the record's own epoch; data that is not there is an error. */
async function assertOwner({ node, volumes }: Observed, record: VolumeRecord): Promise<readonly string[]> {
  const found = volumes.find(({ name }) => name === record.name) ?? absentVolume(record.name)
  if (found.live === 'absent') {
    throw new LabError('NO_DATA', `the data of ${record.name} is not on ${record.owner}, where its record says it is`, {
      where: record.owner,
      hint: `look at it with "lab ssh ${record.owner}"; nothing was deleted`,
    })
  }
  const mended: string[] = []
  const orders = ordersText(record)
  // Before anything is served: the orders say whether a manager must be asked after a boot.
  if (found.orders !== ordersDigest(orders)) {
    await node.tending.setOrders(record.name, orders)
    mended.push(`${record.owner} knows again what to do by itself for ${record.name}`)
  }
  // A lease may be older than the record: moves that were given up used up epochs.
  if (found.live === 'writable' && found.served && found.leaseEpoch > 0) return mended
  await node.grant(record.name, record.epoch, undefined, record.limitBytes)
  return [...mended, `${record.owner} serves ${record.name} again`]
}

/** A node that does not own the volume does nothing by itself for it, and need not know what to do. */
async function endOrders({ node, volumes }: Observed, { name }: VolumeRecord): Promise<readonly string[]> {
  if (volumes.find((each) => each.name === name)?.orders === undefined) return []
  await node.tending.setOrders(name, undefined)
  return []
}

/** Deletes what a replica left on a node that is to have none. Whoever finds it there could take it for one. */
async function endReplica({ node, volumes }: Observed, { name, policy }: VolumeRecord): Promise<readonly string[]> {
  const found = volumes.find((each) => each.name === name)
  if (found === undefined || policy?.replicas.some((each) => each.node === node.node) === true) return []
  const left = await deleteEndedReplica(node, found)
  return left.length === 0 ? [] : [`${node.node} has nothing left of a replica of ${name} that was ended`]
}

/** Takes lease and live copy of a node that does not own the volume (any more). */
async function retireStray(
  { node, volumes }: Observed,
  record: VolumeRecord,
  owner: Observed | undefined,
): Promise<readonly string[]> {
  const found = volumes.find(({ name }) => name === record.name)
  if (found === undefined || (found.live === 'absent' && found.leaseEpoch === 0 && !found.served)) return []
  // A volume of that name was destroyed while the node, its owner, was off. That is no reason to fail for the others.
  if (found.leaseEpoch > record.epoch) {
    return [`what ${node.node} has of a ${record.name} is of another one, and is left alone`]
  }
  await giveUp(node, record.name, record.epoch)
  if (found.live === 'absent') return [`${node.node} gave up its lease of ${record.name}`]
  const theirs = owner?.volumes.find(({ name }) => name === record.name)
  // A copy that was given up for a move, under that move's epoch, holds what was handed over. Any other may hold more
  // than its last snapshot: a dead owner's that is back, which takes replicas again already.
  const common =
    found.live === 'frozen' && theirs !== undefined ? newestCommon(found.snapshots, theirs.snapshots) : undefined
  const last = found.snapshots.at(-1)
  const kept =
    common !== undefined && common.name === last?.name && last.name === finalSnapshot(found.fencedEpoch)
      ? common.name
      : orphanName(found)
  await node.retire(record.name, record.epoch, kept)
  return [`the former copy of ${record.name} on ${node.node} is kept read-only as ${kept}`]
}
