import { bytesText } from '../model/bytes-text.ts'
import { LabError } from '../model/errors.ts'
import type { VolumeRecord } from '../model/volume.ts'
import { findVolume } from '../volumes/find-volume.ts'
import { checkMove } from '../volumes/move/check-move.ts'
import { forecast } from '../volumes/move/forecast.ts'
import { measureMove } from '../volumes/move/measure-move.ts'
import { lastDowntime } from './last-downtime.ts'
import { checkPause, checkTarget, openMove, type MoveVolumeOptions } from './move-volume.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { openVolumes } from './volume-nodes.ts'
import { refuseOutsiders } from './volume-users.ts'

/** What is taken for granted where nothing was sent between two nodes yet: what small random writes travel with. */
const USUAL_SENT_PER_SECOND = 40 * 2 ** 20
/** How long a service is away for hardly any data, where none of its moves is on record. */
const USUAL_RESTART_MS = 3500

/**
 * Says what moving a volume would send and for how long its service would be away, and what it knows that from. Checks
 * what a move checks first, and fails as it would. Changes nothing. Emits `move-checked` last.
 */
export async function predictMove(lab: OpenLab, { volume, to, maxPauseMs }: MoveVolumeOptions): Promise<void> {
  checkTarget(lab, to)
  checkPause(maxPauseMs)
  const volumes = openVolumes(lab)
  const { record } = findVolume(await volumes.records.list(), volume)
  const { name, owner, phase, rollback, service } = record
  if (phase !== 'idle' || rollback !== undefined) throw notIdle(record)
  if (owner === to) {
    const nothing = { bytes: 0, rounds: 0, downtimeMs: 0, refused: false, restsOn: [] }
    lab.emit({ type: 'move-checked', volume: name, from: owner, to, writtenPerSecond: 0, sentPerSecond: 0, ...nothing })
    return
  }
  const { context } = openMove(lab, volumes)
  const measures = await runTask(lab.emit, `look at ${name} on ${owner} and ${to}`, async () => {
    await checkMove(context, record, to)
    await refuseOutsiders(lab, record)
    return measureMove(context, record, to)
  })
  const running = await volumes.scheduler.service(record)
  const before = running === undefined ? undefined : lastDowntime(lab, name)
  const { firstBytes, since, written, sent } = measures
  const conditions = {
    firstBytes,
    incremental: since !== undefined,
    writtenPerSecond: written.bytesPerSecond,
    sentPerSecond: sent ?? USUAL_SENT_PER_SECOND,
    restartMs: running === undefined ? 0 : (before ?? USUAL_RESTART_MS),
    restartIsKnown: before !== undefined,
    maxPauseMs,
  }
  const restsOn = [
    since === undefined
      ? `all that ${owner} has, as ${to} has nothing of it`
      : `what changed since ${since}, which ${to} has`,
    `${bytesText(written.bytesPerSecond)}/s written: ${written.from}`,
    `${bytesText(conditions.sentPerSecond)}/s sent: ${sent === undefined ? 'taken for granted, as nothing of size went there yet' : `the last transfer from ${owner} to ${to}`}`,
    ...(running === undefined
      ? [service === '' ? 'no service uses it' : `${service} does not run`]
      : [
          `${(conditions.restartMs / 1000).toFixed(1)} s to stop and start ${running.name}: ${before === undefined ? 'taken for granted' : 'its last move'}`,
        ]),
  ]
  const { writtenPerSecond, sentPerSecond } = conditions
  lab.emit({
    type: 'move-checked',
    volume: name,
    from: owner,
    to,
    ...forecast(conditions),
    writtenPerSecond: Math.round(writtenPerSecond),
    sentPerSecond: Math.round(sentPerSecond),
    restsOn,
  })
}

function notIdle({ name, phase, rollback, move }: VolumeRecord): LabError {
  const what = rollback === undefined ? `a move to ${move?.target ?? ''}` : `a rollback to ${rollback.snapshot}`
  const where = rollback === undefined ? ` in phase ${phase}` : ''
  return new LabError('MOVE_UNDER_WAY', `${what} of ${name} is under way, or was cut off${where}`, {
    where: `volume ${name}`,
    hint: 'wait for it, or: lab up',
  })
}
