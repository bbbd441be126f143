import type { SnapshotsDocument, SnapshotStatus } from '../model/documents.ts'
import { LabError, UsageError } from '../model/errors.ts'
import { checkName, unknownName } from '../model/names.ts'
import { SCHEDULES } from '../model/volume-policy.ts'
import type { LocalSnapshot, NodeVolume, VolumeRecord } from '../model/volume.ts'
import { findVolume } from '../volumes/find-volume.ts'
import { observeVolume } from '../volumes/move/copy-round.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { openVolumes, type LabVolumes } from './volume-nodes.ts'
import { withVolume } from './with-volume.ts'

/** How snapshots that lab takes for itself, or for a schedule, begin; what it made it also deletes. */
const OWN = new RegExp(
  `^(move|replica|orphan|before-rollback|export|clone|import|verify|prediction|${SCHEDULES.join('|')})-`,
)

/** Takes a snapshot of a volume, with its hooks around it, and returns its name. `named`: undefined for one made of the time. */
export async function takeSnapshot(lab: OpenLab, typed: string, named: string | undefined): Promise<string> {
  const started = performance.now()
  const snapshot = named ?? timeName('at', new Date())
  checkSnapshotName(snapshot)
  const volume = await withVolume(lab, typed, async ({ volumes, stored: { record } }) => {
    await runTask(lab.emit, `snapshot ${record.name}@${snapshot}`, async () => {
      const node = await volumes.node(record.owner)
      const { snapshots } = await observeVolume(node, record.name)
      if (snapshots.some(({ name }) => name === snapshot)) {
        throw new LabError('SNAPSHOT_EXISTS', `${record.name} has a snapshot ${snapshot} already`, {
          where: `volume ${record.name}`,
          hint: `lab volume snapshots ${record.name}`,
        })
      }
      const remark = await node.tending.snapshot(record.name, snapshot)
      if (remark !== undefined) lab.emit({ type: 'notice', level: 'warning', message: remark })
    })
    return record.name
  })
  done(lab, 'volume snapshot', `took ${volume}@${snapshot}`, started)
  return snapshot
}

/** Throws a `UsageError` for a name that is not for a user to give: what lab takes under such a name it also deletes. */
export function checkSnapshotName(snapshot: string): void {
  checkName('snapshot', snapshot)
  if (!OWN.test(snapshot)) return
  throw new UsageError(`"${snapshot}" begins like a snapshot that lab takes, and deletes, by itself`, {
    hint: `give it another name: my-${snapshot}`,
  })
}

/** Deletes a snapshot on the owner and wherever else it is. Nodes that are down keep theirs. */
export async function deleteSnapshot(lab: OpenLab, typed: string, snapshot: string): Promise<void> {
  const started = performance.now()
  const volume = await withVolume(lab, typed, async ({ volumes, stored: { record } }) => {
    await wholeSnapshot(await volumes.node(record.owner), record, snapshot)
    await runTask(lab.emit, `delete ${record.name}@${snapshot}`, async () => {
      for (const { node, volume: found } of await observeAll(volumes, record)) {
        if (found?.snapshots.some(({ name }) => name === snapshot) !== true) continue
        await (await volumes.node(node)).driver.deleteSnapshot(record.name, snapshot)
      }
    })
    return record.name
  })
  done(lab, 'volume snapshot', `deleted ${volume}@${snapshot}`, started)
}

/** The snapshots of a volume on its owner, oldest first. */
export async function snapshotsDocument(lab: OpenLab, typed: string): Promise<SnapshotsDocument> {
  const volumes = openVolumes(lab)
  const { record } = findVolume(await volumes.records.list(), typed)
  await volumes.node(record.owner)
  const all = await observeAll(volumes, record)
  return { volume: record.name, owner: record.owner, snapshots: snapshotStatuses(record, all) }
}

/** What each worker has of a volume; undefined where it cannot be asked. */
export type Observed = readonly { readonly node: string; readonly volume: NodeVolume | undefined }[]

/** Asks every worker what it has of a volume. */
export async function observeAll(volumes: LabVolumes, { name }: VolumeRecord): Promise<Observed> {
  return Promise.all(
    volumes.workers.map(async (node) => {
      try {
        return { node, volume: await observeVolume(await volumes.node(node), name) }
      } catch (error) {
        if (!(error instanceof LabError)) throw error
        return { node, volume: undefined }
      }
    }),
  )
}

/** Pure: the owner's snapshots, with who else has each of them whole. */
export function snapshotStatuses({ owner }: VolumeRecord, all: Observed): readonly SnapshotStatus[] {
  const ours = all.find(({ node }) => node === owner)?.volume?.snapshots ?? []
  const others = all.filter(({ node }) => node !== owner)
  return ours.map(({ name, identity, createdAt }) => ({
    name,
    createdAt,
    also: others
      .filter(({ volume }) => volume?.snapshots.some((each) => each.name === name && each.identity === identity))
      .map(({ node }) => node),
  }))
}

/** The snapshot of that name on a node; throws `UNKNOWN_NAME` with a suggestion. */
export async function wholeSnapshot(
  node: Parameters<typeof observeVolume>[0],
  { name }: VolumeRecord,
  snapshot: string,
): Promise<LocalSnapshot> {
  const { snapshots } = await observeVolume(node, name)
  const found = snapshots.find((each) => each.name === snapshot)
  if (found !== undefined) return found
  throw unknownName(
    `snapshot of ${name}`,
    snapshot,
    snapshots.map((each) => each.name),
  )
}

/** Pure: `at-20260131-235959` in UTC, as a snapshot may be called. */
export function timeName(prefix: string, time: Date): string {
  const [date = '', clock = ''] = time.toISOString().split('T')
  return `${prefix}-${date.replaceAll('-', '')}-${clock.slice(0, 8).replaceAll(':', '')}`
}

/** The last word of a command about volumes. */
export function done(lab: OpenLab, command: string, message: string, started: number): void {
  lab.emit({ type: 'done', command, message, durationMs: Math.round(performance.now() - started) })
}
