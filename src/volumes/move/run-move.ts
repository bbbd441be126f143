import { LabError } from '../../model/errors.ts'
import type { StoredRecord } from '../../model/volume.ts'
import type { MoveContext, MoveFigures } from './context.ts'
import { nextAction, type MoveIntent, type MoveObservation } from './next-action.ts'
import { isGone } from './node-gone.ts'
import { observeMove } from './observe-move.ts'
import { perform, type Progressing } from './perform.ts'

/**
 * Brings an open move to its end, wherever an earlier run left it. With intent `undo`, or when something fails or is
 * interrupted before the flip, everything is put back and the failure is thrown; after the flip it only goes forward.
 * `seen` is what was seen just now, where somebody has looked. Returns the closed record.
 */
export async function runMove(
  context: MoveContext,
  opened: StoredRecord,
  intent: MoveIntent,
  figures: MoveFigures,
  seen?: MoveObservation,
): Promise<StoredRecord> {
  try {
    return await drive(context, opened, intent, figures, seen)
  } catch (error) {
    if (error instanceof LabError && error.code === 'VOLUME_CONFLICT') await leaveLabelRight(context, opened)
    const now = intent === 'undo' ? undefined : await undoable(context, opened, error)
    if (now === undefined) throw error
    throw await putBack(context, now, error, figures)
  }
}

/** Undoes a move that failed; returns the error to end with: the failure, and what became of the undoing. */
async function putBack(
  context: MoveContext,
  now: StoredRecord,
  failure: unknown,
  figures: MoveFigures,
): Promise<unknown> {
  const { name, owner, move } = now.record
  try {
    await stopSending(context, now)
    await drive(context, now, 'undo', figures)
    return withRemark(failure, `${name} is on ${owner} as before`)
  } catch (error) {
    const again = `lab move-volume ${name}`
    return withRemark(
      failure,
      `putting it back on ${owner} failed as well: ${error instanceof Error ? error.message : String(error)}`,
      `"${again} ${owner}" puts it back, "${again} ${move?.target ?? owner}" goes on`,
    )
  }
}

async function drive(
  context: MoveContext,
  opened: StoredRecord,
  intent: MoveIntent,
  figures: MoveFigures,
  seen?: MoveObservation,
): Promise<StoredRecord> {
  let now: Progressing = { stored: opened, observation: seen ?? (await observeMove(context, opened.record)) }
  while (now.stored.record.phase !== 'idle') {
    const { phase } = now.stored.record
    await context.onPhase?.(phase)
    await context.inPhase(now.stored, async (progress) => {
      while (now.stored.record.phase === phase) {
        const action = nextAction(now.stored.record, now.observation, intent)
        if (action === undefined) return
        now = await perform(action, { ...now, context, figures, progress })
      }
    })
  }
  return now.stored
}

/**
 * The record as it is now, if this run still has the move and may take it back. What failed may have been the very
 * write that decided, so the record is asked, not remembered.
 */
async function undoable(context: MoveContext, opened: StoredRecord, error: unknown): Promise<StoredRecord | undefined> {
  if (error instanceof LabError && error.code === 'VOLUME_CONFLICT') return undefined
  if (error instanceof LabError && error.code === 'UNREACHABLE' && !context.signal.aborted) await context.reconnect()
  const { name, move } = opened.record
  const now = (await context.records.list()).find(({ record }) => record.name === name)
  if (now === undefined || now.record.move?.run !== move?.run) return undefined
  return ['precopy', 'quiesce', 'final'].includes(now.record.phase) ? now : undefined
}

/** A run that finds late that it was overtaken may have moved the label before it found out. */
async function leaveLabelRight(context: MoveContext, opened: StoredRecord): Promise<void> {
  const now = (await context.records.list()).find(({ record }) => record.name === opened.record.name)
  if (now?.record.phase === 'idle') await context.scheduler.place(now.record.name, now.record.owner)
}

async function stopSending(context: MoveContext, { record }: StoredRecord): Promise<void> {
  try {
    if (record.move !== undefined) await (await context.node(record.move.source)).stopTransfer(record.name)
  } catch (error) {
    // A source that is down sends nothing.
    if (!isGone(error)) throw error
  }
}

function withRemark(error: unknown, remark: string, hint?: string): unknown {
  if (!(error instanceof LabError)) return error
  return new LabError(error.code, `${error.message}; ${remark}`, {
    where: error.where,
    hint: hint ?? error.hint,
    exitCode: error.exitCode,
    cause: error,
  })
}
