import type { VolumesDocument, VolumeStatus } from '../model/documents.ts'
import { LabError } from '../model/errors.ts'
import type { StoredRecord, VolumeRecord } from '../model/volume.ts'
import { absentVolume } from '../volumes/node-volumes.ts'
import { mendVolumes } from '../volumes/mend.ts'
import { finishMove } from './move-volume.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { tryEach } from './try-each.ts'
import { replicasOf } from './volume-replicas.ts'
import { openVolumes, type LabVolumes } from './volume-nodes.ts'

export { ensureVolume, type EnsuredVolume, type VolumeRequest } from './volume-life.ts'

/** Every data volume with what it holds. A node that does not answer leaves its figures out. */
export async function volumesDocument(lab: OpenLab): Promise<VolumesDocument> {
  const volumes = openVolumes(lab)
  const stored = await volumes.records.list()
  return { volumes: await Promise.all(stored.map(({ record }) => volumeStatus(volumes, record))) }
}

/** What a record and its owner say of a volume. */
export async function volumeStatus(volumes: LabVolumes, record: StoredRecord['record']): Promise<VolumeStatus> {
  const { name, app, service, owner, driver, epoch, phase } = record
  const known = { name, app, service, owner, driver, epoch, phase }
  try {
    const node = await volumes.node(owner)
    const [state, usage, usedBytes, replicas] = await Promise.all([
      node.state(),
      node.driver.usage(),
      node.driver.usedBytes(name).catch(() => undefined),
      replicasOf(volumes, record),
    ])
    const found = state.find((each) => each.name === name) ?? absentVolume(name)
    const sizeBytes = record.limitBytes ?? usage.totalBytes
    return { ...known, sizeBytes, usedBytes, snapshots: found.snapshots.length, replicas }
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    const replicas = await replicasOf(volumes, record)
    return { ...known, sizeBytes: undefined, usedBytes: undefined, snapshots: undefined, replicas }
  }
}

/**
 * Brings moves and rollbacks that were cut off to an end, those of some volumes or all: once one is decided it is finished,
 * before it is undone. Each is tried; throws what stopped those that cannot be ended, `MOVE_UNDER_WAY` where another lab
 * drives one.
 */
export async function finishOpenMoves(lab: OpenLab, of: (record: VolumeRecord) => boolean = () => true): Promise<void> {
  const volumes = openVolumes(lab)
  const open = (await volumes.records.list()).map(({ record }) => record).filter((each) => isOpen(each) && of(each))
  const failures = await tryEach(lab.signal, open, ({ name }) => finishMove(lab, volumes, name))
  const [first] = failures
  if (first === undefined) return
  if (failures.length === 1) throw first
  const why = failures.map(({ message }) => message).join('; ')
  const message = `${String(failures.length)} moves that were cut off cannot be ended: ${why}`
  throw new LabError('MOVES_FAILED', message, { where: first.where, hint: first.hint })
}

/** Pure: true for a volume with a move or rollback that is not over. */
function isOpen({ phase, rollback }: VolumeRecord): boolean {
  return phase !== 'idle' || rollback !== undefined
}

/**
 * Makes node labels, leases and copies follow the records again, as after a node joined anew or came back with a copy
 * that is not its to serve. Volumes with an open move are left alone. Returns what was mended, in words.
 */
export async function assertVolumes(lab: OpenLab): Promise<readonly string[]> {
  const volumes = openVolumes(lab)
  const stored = await volumes.records.list()
  if (stored.length === 0) return []
  return runTask(lab.emit, 'volumes are where their records say', async (task) => {
    const mended = await mendVolumes(
      volumes,
      stored.map(({ record }) => record),
    )
    for (const line of mended) lab.emit({ type: 'notice', level: 'info', message: line })
    if (mended.length === 0) task.unchanged()
    return mended
  })
}
