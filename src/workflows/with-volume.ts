import { LabError } from '../model/errors.ts'
import type { StoredRecord } from '../model/volume.ts'
import { findVolume } from '../volumes/find-volume.ts'
import type { OpenLab } from './open-lab.ts'
import { openVolumes, type LabVolumes } from './volume-nodes.ts'

/** A volume that nobody else changes meanwhile. */
export interface HeldVolume {
  readonly volumes: LabVolumes
  readonly stored: StoredRecord
}

/** The volume that is meant, for a question about it. Throws `UsageError` for one that nobody has. */
export async function meantVolume(lab: OpenLab, typed: string): Promise<StoredRecord['record']> {
  return findVolume(await openVolumes(lab).records.list(), typed).record
}

/**
 * Runs work on a volume (its name, or the app or service that has it) while no other lab changes it. Throws
 * `MOVE_UNDER_WAY` when one does, or when a move or rollback was cut off and waits to be ended; `NOT_MADE` for one
 * whose making was cut off.
 */
export async function withVolume<T>(
  lab: OpenLab,
  typed: string,
  work: (held: HeldVolume) => Promise<T>,
  options: { readonly unmade?: boolean } = {},
): Promise<T> {
  const volumes = openVolumes(lab)
  const { name } = findVolume(await volumes.records.list(), typed).record
  return volumes.withLock(name, async () => {
    // Read under the lock: what was seen before may be over by now.
    const stored = findVolume(await volumes.records.list(), name)
    const { phase, rollback, epoch, app } = stored.record
    if (phase !== 'idle' || rollback !== undefined) {
      throw new LabError('MOVE_UNDER_WAY', `a ${rollback === undefined ? 'move' : 'rollback'} of ${name} was cut off`, {
        where: `volume ${name}`,
        hint: 'lab up (it ends it)',
      })
    }
    if (epoch === 0 && options.unmade !== true) {
      throw new LabError('NOT_MADE', `making ${name} was cut off, and there is nothing in it`, {
        where: `volume ${name}`,
        hint: app === '' ? `lab volume destroy ${name}, or make it again` : `lab deploy ${app}`,
      })
    }
    return work({ volumes, stored })
  })
}
