import { REPLICA_PREFIX } from '../model/volume-policy.ts'
import type { NodeVolume, NodeVolumes } from '../model/volume.ts'

/** Deletes what a replica was made of on a node that is to have none any more. Returns the names of what there was. */
export async function deleteEndedReplica(
  { driver }: NodeVolumes,
  { name, snapshots }: NodeVolume,
): Promise<readonly string[]> {
  const left = snapshots.map((each) => each.name).filter((each) => each.startsWith(REPLICA_PREFIX))
  for (const snapshot of left) await driver.deleteSnapshot(name, snapshot)
  return left
}
