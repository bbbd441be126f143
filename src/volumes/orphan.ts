import { LabError } from '../model/errors.ts'
import type { NodeVolume, NodeVolumes } from '../model/volume.ts'

/** How long a copy that is not its node's to serve may still be in use. */
const FENCE_SECONDS = 15

/** Has a node give up a copy that is not its to serve, once nothing uses it any more; the copy becomes read-only. */
export async function giveUp(on: NodeVolumes, volume: string, epoch: number): Promise<void> {
  const { holders } = await on.fence(volume, epoch, FENCE_SECONDS)
  if (holders.length === 0) return
  throw new LabError(
    'VOLUME_IN_USE',
    `${on.node} does not own ${volume}, but ${holders.map(({ command }) => command).join(', ')} uses its copy there`,
    { where: on.node, hint: `end it (lab ssh ${on.node}), then run this again` },
  )
}

/** Pure: a name no snapshot has: one that is there would be taken for what is to be kept. */
export function orphanName({ leaseEpoch, fencedEpoch, snapshots }: NodeVolume): string {
  const plain = `orphan-${String(Math.max(leaseEpoch, fencedEpoch))}`
  let name = plain
  for (let count = 2; snapshots.some((each) => each.name === name); count++) name = `${plain}-${String(count)}`
  return name
}

/**
 * What a node has of an earlier volume of the name, which was destroyed while the node was down, is not the new one's: a
 * live copy is kept as a snapshot `orphan-EPOCH`, and what it was to do by itself ends.
 */
export async function setEarlierAside(node: NodeVolumes, found: NodeVolume): Promise<void> {
  const { name, live, leaseEpoch, fencedEpoch, orders } = found
  if (orders !== undefined) await node.tending.setOrders(name, undefined)
  if (live === 'absent') return
  const epoch = Math.max(leaseEpoch, fencedEpoch)
  await giveUp(node, name, epoch)
  await node.retire(name, epoch, orphanName(found))
}
