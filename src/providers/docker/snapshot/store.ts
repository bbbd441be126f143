import type Docker from 'dockerode'
import { LabError } from '../../../model/errors.ts'
import type { LabIdentity, LabSpec } from '../../../model/lab-spec.ts'
import { LABELS } from '../../../model/names.ts'
import type { LabSnapshot, SnapshotStore } from '../../../model/snapshot.ts'
import { unlessStatus } from '../engine.ts'
import { removeVolume } from '../removal.ts'
import { removeHelpers } from '../volume-shell.ts'
import { manifestVolume, readManifest, snapshotImage, snapshotRepository, volumesWith } from './names.ts'
import { restoreMachines, stageMachines, unstage } from './restore.ts'
import { readFiles, saveMachines } from './save.ts'

/**
 * Snapshots as images (a node's own files) and volumes (copies of a node's volumes) of the host's engine. They show in
 * `docker images` and `docker volume ls`, and are found by their names and labels.
 */
export function engineSnapshots(engine: () => Promise<Docker>, lab: LabIdentity, spec: LabSpec): SnapshotStore {
  return {
    list: async () => listSnapshots(await engine(), lab),
    save: async (name, files, progress, signal) => {
      const client = await engine()
      await collectSnapshots(client, lab)
      try {
        return await saveMachines(client, lab, name, files, progress, signal)
      } catch (error) {
        await removeSnapshot(client, lab, name)
        throw error
      }
    },
    files: async (snapshot) => readFiles(await engine(), lab, snapshot.name, firstImage(lab, snapshot)),
    stage: async (snapshot, progress, signal) => {
      const client = await engine()
      await removeHelpers(client, lab)
      try {
        await stageMachines(client, lab, snapshot, progress, signal)
      } catch (error) {
        await unstage(client, lab)
        throw error
      }
    },
    restore: async (snapshot, keysOf, progress, signal) =>
      restoreMachines(await engine(), { lab, spec }, snapshot, keysOf, progress, signal),
    delete: async (name) => {
      const client = await engine()
      await removeSnapshot(client, lab, name)
      await collectSnapshots(client, lab)
    },
  }
}

async function listSnapshots(engine: Docker, lab: LabIdentity): Promise<readonly LabSnapshot[]> {
  return (await volumesWith(engine, lab, LABELS.manifest))
    .flatMap(({ Labels }) => readManifest(Labels) ?? [])
    .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
}

/** Removes what is left of work that was cut off: saving, deleting, staging. With `all`, the whole snapshots too. */
export async function collectSnapshots(engine: Docker, lab: LabIdentity, all = false): Promise<void> {
  await removeHelpers(engine, lab)
  await unstage(engine, lab)
  const whole = new Set(all ? [] : (await listSnapshots(engine, lab)).map(({ name }) => name))
  const volumes = await volumesWith(engine, lab, LABELS.snapshot)
  const images = await engine.listImages({ filters: { reference: [snapshotRepository(lab, '*')] } })
  const names = new Set([
    ...volumes.flatMap(({ Labels }) => Labels[LABELS.snapshot] ?? []),
    ...images.flatMap(({ RepoTags }) => (RepoTags ?? []).flatMap((tag) => snapshotOf(lab, tag) ?? [])),
  ])
  for (const name of names) if (!whole.has(name)) await removeSnapshot(engine, lab, name)
}

function snapshotOf(lab: LabIdentity, tag: string): string | undefined {
  const prefix = snapshotRepository(lab, '')
  return tag.startsWith(prefix) ? tag.slice(prefix.length).split(':')[0] : undefined
}

/** The manifest goes first: what is left of a removal that is cut off is no snapshot any more. */
async function removeSnapshot(engine: Docker, lab: LabIdentity, name: string): Promise<void> {
  await unlessStatus(engine.getVolume(manifestVolume(lab, name)).remove(), 404)
  const volumes = await volumesWith(engine, lab, `${LABELS.snapshot}=${name}`)
  await Promise.all(volumes.map(({ Name }) => removeVolume(engine, lab, Name)))
  const images = await engine.listImages({ filters: { reference: [snapshotRepository(lab, name)] } })
  const tags = images.flatMap(({ RepoTags }) => RepoTags ?? []).filter((tag) => snapshotOf(lab, tag) === name)
  // A node that was put back from it keeps its image, without the name.
  await Promise.all(tags.map((tag) => unlessStatus(engine.getImage(tag).remove({ force: true }), 404)))
}

function firstImage(lab: LabIdentity, snapshot: LabSnapshot): string {
  const [first] = snapshot.machines
  if (first === undefined) throw new LabError('UNEXPECTED', `the snapshot ${snapshot.name} holds no node`)
  return snapshotImage(lab, snapshot.name, first.name)
}
