import { LabError } from '../../model/errors.ts'
import type { StoredRecord, VolumeRecord } from '../../model/volume.ts'
import type { MoveContext } from '../move/context.ts'
import { observeVolume } from '../move/copy-round.ts'
import { fenceSource } from '../move/quiesce.ts'
import { keptSnapshot, nextRollbackAction, type RollbackIntent, type RollbackObservation } from './next-action.ts'

/** Everything a rollback does goes through here. */
export type RollbackContext = Pick<
  MoveContext,
  'records' | 'scheduler' | 'node' | 'reconnect' | 'signal' | 'inPhase' | 'notice'
>

/** What a rollback left behind. */
export interface RolledBack {
  readonly stored: StoredRecord
  /** Snapshot the live copy was made from; that of what was live before, if it was undone. */
  readonly snapshot: string
  /** The service that was not seen to serve. */
  readonly notServing: LabError | undefined
}

/** How long a task may take until it serves at the end. */
const SERVING_DEADLINE_MS = 120_000

/**
 * Brings an open rollback to its end, wherever an earlier run left it. With intent `undo`, or when something fails or is
 * interrupted before it is decided, everything is put back and the failure is thrown; after that it only goes forward.
 */
export async function runRollback(
  context: RollbackContext,
  opened: StoredRecord,
  intent: RollbackIntent,
): Promise<RolledBack> {
  try {
    return await drive(context, opened, intent)
  } catch (error) {
    if (error instanceof LabError && error.code === 'UNREACHABLE' && !context.signal.aborted) await context.reconnect()
    const now = await recordNow(context, opened)
    const mine = now?.record.rollback?.run === opened.record.rollback?.run
    // A run that was overtaken may have moved the label before it found out.
    if (!mine && now?.record.phase === 'idle' && now.record.rollback === undefined) {
      await context.scheduler.place(now.record.name, now.record.owner)
    }
    if (!mine || intent === 'undo' || now?.record.rollback?.phase !== 'stop') throw error
    throw await putBack(context, now, error)
  }
}

async function drive(context: RollbackContext, opened: StoredRecord, intent: RollbackIntent): Promise<RolledBack> {
  let stored = opened
  let snapshot = opened.record.rollback?.snapshot ?? ''
  let notServing: LabError | undefined
  while (stored.record.rollback !== undefined) {
    const { phase } = stored.record.rollback
    await context.inPhase(stored, async (progress) => {
      while (stored.record.rollback?.phase === phase) {
        snapshot = stored.record.rollback.snapshot
        const done = await step(context, stored, intent, progress)
        if (done === undefined) return
        stored = done.stored
        notServing ??= done.notServing
      }
    })
  }
  return { stored, snapshot, notServing }
}

type Stepped = Pick<RolledBack, 'stored'> & Partial<Pick<RolledBack, 'notServing'>>

/** Looks, decides and does one thing. */
async function step(
  context: RollbackContext,
  stored: StoredRecord,
  intent: RollbackIntent,
  progress: (line: string) => void,
): Promise<Stepped | undefined> {
  const { record } = stored
  const { name: volume, epoch, rollback } = record
  const action = nextRollbackAction(record, await observe(context, record), intent)
  if (action === undefined || rollback === undefined) return undefined
  const node = () => context.node(record.owner)
  switch (action.do) {
    case 'unplace':
      await context.scheduler.place(volume, undefined)
      return { stored }
    case 'fence':
      await fenceSource(await node(), record, await context.scheduler.service(record), progress, {
        signal: context.signal,
      })
      return { stored }
    case 'keep':
      await (await node()).retire(volume, epoch, keptSnapshot(rollback.id))
      return { stored }
    case 'decide': {
      const decided = { ...rollback, phase: 'start' as const, snapshot: action.snapshot }
      return { stored: await context.records.replace(stored, { ...record, epoch: epoch + 1, rollback: decided }) }
    }
    case 'grant':
      await (await node()).grant(volume, epoch, rollback.snapshot, record.limitBytes)
      return { stored }
    case 'place':
      await context.scheduler.place(volume, record.owner)
      return { stored }
    case 'wait-serving': {
      const notServing = await waitServing(context, record)
      return { stored: await context.records.replace(stored, { ...record, rollback: undefined }), notServing }
    }
    case 'blocked':
      throw blocked(record, action.why)
  }
}

async function observe(context: RollbackContext, record: VolumeRecord): Promise<RollbackObservation> {
  const look = async () => {
    try {
      return await observeVolume(await context.node(record.owner), record.name)
    } catch (error) {
      if (error instanceof LabError && error.code === 'UNREACHABLE') return undefined
      throw error
    }
  }
  const [owner, placed] = await Promise.all([look(), context.scheduler.placed(record.name)])
  return { owner, placed }
}

/** The data is as it should be, so a service that does not come up does not keep the rollback open: it is told after. */
async function waitServing(context: RollbackContext, record: VolumeRecord): Promise<LabError | undefined> {
  const using = await context.scheduler.service(record)
  if (using === undefined) return undefined
  try {
    await context.scheduler.waitServing(using, record.owner, SERVING_DEADLINE_MS, context.signal)
    return undefined
  } catch (error) {
    if (!context.signal.aborted && (!(error instanceof LabError) || error.code !== 'NOT_SERVING')) throw error
    return error instanceof LabError ? error : undefined
  }
}

/** The record as it is: what failed may have been the very write that decided, so it is asked, not remembered. */
async function recordNow(context: RollbackContext, opened: StoredRecord): Promise<StoredRecord | undefined> {
  return (await context.records.list()).find(({ record }) => record.name === opened.record.name)
}

async function putBack(context: RollbackContext, now: StoredRecord, failure: unknown): Promise<unknown> {
  const { name, owner } = now.record
  let remark = `${name} is as before`
  try {
    await drive(context, now, 'undo')
  } catch (error) {
    remark = `putting it back on ${owner} failed as well: ${error instanceof Error ? error.message : String(error)}`
  }
  if (!(failure instanceof LabError)) return failure
  return new LabError(failure.code, `${failure.message}; ${remark}`, {
    where: failure.where,
    hint: failure.hint,
    exitCode: failure.exitCode,
    cause: failure,
  })
}

function blocked({ name, owner, rollback }: VolumeRecord, why: 'unreachable' | 'no-data'): LabError {
  if (why === 'unreachable') {
    return new LabError('UNREACHABLE', `${owner}, which owns ${name}, cannot be reached`, {
      where: owner,
      hint: `start it ("lab up"), which also ends the rollback to ${rollback?.snapshot ?? ''}`,
    })
  }
  return new LabError('NO_DATA', `the data of ${name} is not on ${owner}, where its record says it is`, {
    where: owner,
    hint: `look at it with "lab ssh ${owner}"; nothing was deleted`,
  })
}
