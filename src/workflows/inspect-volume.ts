import type { CopyStatus, VolumeDocument } from '../model/documents.ts'
import { LabError } from '../model/errors.ts'
import type { NodeVolume } from '../model/volume.ts'
import { findVolume } from '../volumes/find-volume.ts'
import { newestCommon } from '../volumes/move/copy-round.ts'
import type { OpenLab } from './open-lab.ts'
import { openVolumes, type LabVolumes } from './volume-nodes.ts'
import { observeAll, snapshotStatuses } from './volume-snapshots.ts'
import { volumeUsers } from './volume-users.ts'
import { volumeStatus } from './volumes.ts'

/** Everything that is known of one volume. What cannot be asked right now is left out. */
export async function volumeDocument(lab: OpenLab, typed: string): Promise<VolumeDocument> {
  const volumes = openVolumes(lab)
  const { record } = findVolume(await volumes.records.list(), typed)
  const [known, all, holders] = await Promise.all([
    volumeStatus(volumes, record),
    observeAll(volumes, record),
    volumeUsers(lab, volumes, record).catch((error: unknown) => {
      if (error instanceof LabError) return []
      throw error
    }),
  ])
  const ours = all.find(({ node }) => node === record.owner)?.volume
  const copies = await Promise.all(
    all.filter(({ node }) => node !== record.owner).map(({ node, volume }) => copyOf(volumes, node, volume, ours)),
  )
  return {
    ...known,
    limitBytes: record.limitBytes,
    rollingBackTo: record.rollback?.snapshot,
    snapshotList: snapshotStatuses(record, all),
    holders,
    keep: record.policy?.keep ?? {},
    autoPromote: record.policy?.autoPromote ?? false,
    hooks: record.policy?.hooks ?? {},
    copies: copies.filter((copy) => copy !== undefined),
  }
}

async function copyOf(
  volumes: LabVolumes,
  node: string,
  volume: NodeVolume | undefined,
  ours: NodeVolume | undefined,
): Promise<CopyStatus | undefined> {
  if (volume === undefined) return { node, state: 'unreachable', usedBytes: undefined, snapshots: [] }
  if (volume.live === 'absent' && volume.snapshots.length === 0) return undefined
  const { driver } = await volumes.node(node)
  return {
    node,
    state: stateOf(volume, ours),
    usedBytes: await driver.usedBytes(volume.name),
    snapshots: volume.snapshots.map(({ name }) => name),
  }
}

/** Pure: what a copy beside the owner's is good for. What its last snapshot holds is what it holds. */
export function stateOf(copy: NodeVolume, ours: NodeVolume | undefined): CopyStatus['state'] {
  if (copy.live !== 'absent') return 'stray'
  const common = ours === undefined ? undefined : newestCommon(copy.snapshots, ours.snapshots)
  return common !== undefined && !copy.snapshots.some(({ name }) => name.startsWith('orphan-')) ? 'common' : 'orphan'
}
