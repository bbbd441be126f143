import { checkName, unknownName } from '../model/names.ts'
import type { StoredRecord } from '../model/volume.ts'
import { bytesText } from '../model/bytes-text.ts'
import { limitText } from '../volumes/limit.ts'
import { observeVolume } from '../volumes/move/copy-round.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { exists, makeVolume, recordVolume } from './volume-life.ts'
import { openVolumes, type LabVolumes } from './volume-nodes.ts'

/** A volume to make. */
export interface CreateVolumeOptions {
  readonly name: string
  /** Worker that gets it; the one with the fewest volumes when undefined. */
  readonly on: string | undefined
  /** The most it may hold; undefined: what its pool has. */
  readonly limitBytes: number | undefined
}

/**
 * Makes an empty volume of no app, which a Compose file uses by `external: true`. Throws `VOLUME_EXISTS` when there is
 * one; one whose making was cut off is made anew.
 */
export async function createVolume(lab: OpenLab, { name, on, limitBytes }: CreateVolumeOptions): Promise<void> {
  const started = performance.now()
  const volumes = openVolumes(lab)
  checkNew(volumes, name, on, limitBytes)
  const owner = await runTask(lab.emit, `volume ${name}`, (task) =>
    volumes.withLock(name, async () => {
      const all = await volumes.records.list()
      const left = all.find(({ record }) => record.name === name)
      if (left !== undefined && (left.record.epoch > 0 || left.record.app !== '')) throw exists(name)
      const wanted = { name, app: '', service: '', limitBytes, ...(on === undefined ? {} : { owner: on }) }
      if (left !== undefined) await forgetUnmade(volumes, left)
      const made = await makeVolume(volumes, await recordVolume(volumes, all, wanted))
      task.detail(`on ${made.record.owner}${limitBytes === undefined ? '' : `, at most ${bytesText(limitBytes)}`}`)
      return made.record.owner
    }),
  )
  lab.emit({
    type: 'done',
    command: 'volume create',
    message: `made ${name} on ${owner}`,
    durationMs: Math.round(performance.now() - started),
  })
}

/** Throws `UsageError`, before anything is recorded, for a name or limit no volume can have, or what is no worker. */
export function checkNew(volumes: LabVolumes, name: string, on?: string, limitBytes?: number): void {
  checkName('volume', name)
  if (on !== undefined && !volumes.workers.includes(on)) throw unknownName('worker', on, volumes.workers)
  if (limitBytes !== undefined) limitText(limitBytes)
}

/** Takes away what nobody has written to: a volume whose making failed, or was cut off. The caller has its lock. */
export async function forgetUnmade(volumes: LabVolumes, stored: StoredRecord): Promise<void> {
  const { name, owner } = stored.record
  const node = await volumes.node(owner)
  const { leaseEpoch } = await observeVolume(node, name)
  if (leaseEpoch > 0) await node.fence(name, leaseEpoch, 0)
  await node.driver.destroy(name)
  await node.forget(name)
  await volumes.records.remove(stored)
}
