import { randomBytes } from 'node:crypto'
import { LabError } from '../model/errors.ts'
import type { StoredRecord } from '../model/volume.ts'
import { findVolume } from '../volumes/find-volume.ts'
import { keptSnapshot, type RollbackIntent } from '../volumes/rollback/next-action.ts'
import { runRollback, type RollbackContext, type RolledBack } from '../volumes/rollback/run-rollback.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { openVolumes, type LabVolumes } from './volume-nodes.ts'
import { done, wholeSnapshot } from './volume-snapshots.ts'

/**
 * Puts a volume back to one of its snapshots: the service is stopped, what was live is kept as a snapshot, the live copy
 * is made anew, the service started again. A rollback that was cut off is ended first: asked for again, it goes on.
 */
export async function rollbackVolume(lab: OpenLab, typed: string, snapshot: string): Promise<void> {
  const started = performance.now()
  const volumes = openVolumes(lab)
  const { name } = findVolume(await volumes.records.list(), typed).record
  const { kept, notServing } = await volumes.withLock(name, async () => {
    let stored = findVolume(await volumes.records.list(), name)
    if (stored.record.phase !== 'idle') {
      throw new LabError('MOVE_UNDER_WAY', `a move of ${name} was cut off in phase ${stored.record.phase}`, {
        where: `volume ${name}`,
        hint: 'lab up (it ends it)',
      })
    }
    const left = stored.record.rollback
    if (left !== undefined) {
      const ended = await endLeft(lab, volumes, stored, left.snapshot === snapshot ? 'finish' : 'undo')
      if (ended.snapshot === snapshot) return { kept: keptSnapshot(left.id), notServing: ended.notServing }
      stored = ended.stored
    }
    await wholeSnapshot(await volumes.node(stored.record.owner), stored.record, snapshot)
    const opened = await volumes.records.replace(stored, open(stored, snapshot))
    const ended = await runRollback(contextOf(lab, volumes), opened, 'finish')
    if (ended.snapshot !== snapshot) {
      throw new LabError('UNKNOWN_NAME', `${snapshot} was deleted in the meantime; ${name} is as before`, {
        where: `volume ${name}`,
        hint: `lab volume snapshots ${name}`,
      })
    }
    return { kept: keptSnapshot(stored.record.epoch), notServing: ended.notServing }
  })
  if (notServing !== undefined) {
    const { code, message, where, hint } = notServing
    throw new LabError(code, `${name} is as in ${snapshot} now, but ${message}`, { where, hint })
  }
  done(lab, 'volume rollback', `${name} is as in ${snapshot}; what was there before is ${kept}`, started)
}

/**
 * Name of the volume that is meant, for a question before it is rolled back. Throws where it, or the snapshot, is not
 * there; the snapshot of a rollback that was cut off is seen to by what ends that.
 */
export async function checkRollback(lab: OpenLab, typed: string, snapshot: string): Promise<string> {
  const volumes = openVolumes(lab)
  const { record } = findVolume(await volumes.records.list(), typed)
  if (record.rollback === undefined) await wholeSnapshot(await volumes.node(record.owner), record, snapshot)
  return record.name
}

/** Ends a rollback that was cut off: forward once it is decided, else back. The caller has the volume's lock. */
export async function endRollback(lab: OpenLab, volumes: LabVolumes, stored: StoredRecord): Promise<StoredRecord> {
  if (stored.record.rollback === undefined) return stored
  return (await endLeft(lab, volumes, stored, 'undo')).stored
}

async function endLeft(
  lab: OpenLab,
  volumes: LabVolumes,
  stored: StoredRecord,
  intent: RollbackIntent,
): Promise<RolledBack> {
  const { name, rollback } = stored.record
  if (rollback === undefined) throw new LabError('VOLUME_RECORD', `the record of ${name} has no rollback`)
  const forward = intent === 'finish' || rollback.phase === 'start'
  const message = `a rollback of ${name} to ${rollback.snapshot} was cut off: ${forward ? 'going on' : 'undoing it'}`
  lab.emit({ type: 'notice', level: 'info', message })
  const taken = await volumes.records.replace(stored, {
    ...stored.record,
    rollback: { ...rollback, run: token() },
  })
  return runRollback(contextOf(lab, volumes), taken, intent)
}

function open({ record }: StoredRecord, snapshot: string): StoredRecord['record'] {
  const startedAt = new Date().toISOString()
  return { ...record, rollback: { id: record.epoch, run: token(), phase: 'stop', snapshot, startedAt } }
}

function token(): string {
  return randomBytes(3).toString('hex')
}

function contextOf(lab: OpenLab, volumes: LabVolumes): RollbackContext {
  return {
    records: volumes.records,
    scheduler: volumes.scheduler,
    signal: lab.signal,
    node: (name) => volumes.node(name),
    reconnect: () => volumes.reconnect(),
    notice: (message) => {
      lab.emit({ type: 'notice', level: 'warning', message })
    },
    inPhase: async ({ record: { name, service, rollback } }, work) => {
      const user = service === '' ? name : service
      const title =
        rollback?.phase === 'stop'
          ? `stop ${user} and put its data aside`
          : `start ${user} with ${name}@${rollback?.snapshot ?? ''}`
      await runTask(lab.emit, title, (task) => work((line) => task.progress(line)))
    },
  }
}
