import { bytesText } from '../model/bytes-text.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { setLimit } from './volume-life.ts'
import { done } from './volume-snapshots.ts'
import { withVolume } from './with-volume.ts'

/**
 * Changes the most a volume may hold; undefined: as much as its pool has. Throws `LIMIT_TOO_SMALL`, having changed
 * nothing, below what it holds. The limit goes wherever the volume goes.
 */
export async function resizeVolume(lab: OpenLab, typed: string, limitBytes: number | undefined): Promise<void> {
  const started = performance.now()
  const text = limitBytes === undefined ? 'as much as its pool has' : bytesText(limitBytes)
  const name = await withVolume(lab, typed, ({ volumes, stored }) =>
    runTask(lab.emit, `let ${stored.record.name} hold ${text}`, async (task) => {
      if (stored.record.limitBytes === limitBytes) task.unchanged()
      await setLimit(volumes, stored.record, limitBytes)
      await volumes.records.replace(stored, { ...stored.record, limitBytes })
      return stored.record.name
    }),
  )
  done(lab, 'volume resize', `${name} may hold ${text}`, started)
}
