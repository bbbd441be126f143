import { LabError } from '../../model/errors.ts'
import type { NodeVolumes, VolumeRecord } from '../../model/volume.ts'
import { bytesText } from '../../model/bytes-text.ts'
import type { MoveContext } from './context.ts'
import type { MoveObservation } from './next-action.ts'
import { newestCommon, observeVolume, strayCopy } from './copy-round.ts'

/** What must stay free on the target: the pool's own bookkeeping, and what is written during the move. */
const RESERVE_BYTES = 128 * 1024 * 1024

/**
 * Checks both ends before anything is changed, and returns what they have. Throws `UNREACHABLE`, `STRAY_COPY`, `NO_DATA`
 * or `NO_SPACE`.
 */
export async function checkMove(
  context: MoveContext,
  record: VolumeRecord,
  to: string,
): Promise<Pick<MoveObservation, 'source' | 'target'>> {
  const [source, target] = await Promise.all([context.node(record.owner), context.node(to)])
  checkDriver(record, target)
  const [ours, theirs, { freeBytes }, reached] = await Promise.all([
    observeVolume(source, record.name),
    observeVolume(target, record.name),
    target.driver.usage(),
    source.reaches(to),
  ])
  if (ours.live !== 'writable') {
    throw new LabError('NO_DATA', `${record.name} cannot be written on ${record.owner}, its owner`, {
      where: record.owner,
      hint: 'lab up',
    })
  }
  if (theirs.live !== 'absent') throw strayCopy(record.name, to)
  if (!reached) {
    throw new LabError('UNREACHABLE', `${record.owner} does not reach ${to}, where it has to send ${record.name}`, {
      where: record.owner,
      hint: 'lab doctor (it says what is between them)',
    })
  }
  // With a common snapshot only what changed since is sent, which nobody knows before it is.
  const whole = newestCommon(ours.snapshots, theirs.snapshots) === undefined
  const needed = RESERVE_BYTES + (whole ? await source.driver.usedBytes(record.name) : 0)
  if (freeBytes < needed) {
    throw new LabError(
      'NO_SPACE',
      `${record.name} needs ${bytesText(needed)} on ${to}, where ${bytesText(freeBytes)} are free`,
      { where: to, hint: 'move another volume away, or give the pools more room (volumes.poolSize in lab.yml)' },
    )
  }
  return { source: ours, target: theirs }
}

function checkDriver(record: VolumeRecord, target: NodeVolumes): void {
  if (target.driver.name === record.driver) return
  throw new LabError(
    'DRIVER_MISMATCH',
    `${record.name} is on ${record.driver}, the pool of ${target.node} on ${target.driver.name}`,
    {
      where: target.node,
      hint: 'volumes move between pools of one kind only',
    },
  )
}
