import { LabError } from '../../model/errors.ts'
import { policyAfterMove } from '../../model/volume-policy.ts'
import type { NodeVolume, StoredRecord, VolumeRecord } from '../../model/volume.ts'
import type { VolumeService } from '../../model/volume-service.ts'
import { bytesText } from '../../model/bytes-text.ts'
import { ordersText } from '../orders.ts'
import { collectSnapshots } from './collect.ts'
import type { MoveContext, MoveFigures } from './context.ts'
import { newestCommon, prepareTarget, sendSnapshot, verifyCopy, type Ends } from './copy-round.ts'
import { handOrders } from './hand-orders.ts'
import { observeMove } from './observe-move.ts'
import { finalSnapshot, type MoveAction, type MoveObservation } from './next-action.ts'
import { copyWhileStopping, precopy, type PauseLimit } from './precopy.ts'
import { canWaitForStop } from './predict.ts'
import { fenceSource } from './quiesce.ts'

/** How long a task may take until it serves at the end of a move. */
const SERVING_DEADLINE_MS = 120_000

/** A move under way, as the loop sees it. */
export interface Progressing {
  readonly stored: StoredRecord
  readonly observation: MoveObservation
}

/** What an action works with. */
export interface Performing extends Progressing {
  readonly context: MoveContext
  readonly figures: MoveFigures
  readonly progress: (line: string) => void
}

/**
 * Does one action and returns what is true afterwards. What an action is known to have brought about is not looked at
 * again, since the service waits meanwhile; what must be verified is.
 */
export async function perform(action: MoveAction, now: Performing): Promise<Progressing> {
  const { context, stored, observation } = now
  const { record } = stored
  const { name: volume, epoch } = record
  switch (action.do) {
    case 'precopy':
      return advance({ ...now, observation: await copyAhead(now) }, { phase: 'quiesce' })
    case 'advance':
      return advance(now, { phase: action.to })
    case 'unplace':
      await context.scheduler.place(volume, undefined)
      if ((await service(now)) !== undefined) {
        await quietly(() => endsOf(now).then((ends) => copyWhileStopping(ends, now.figures)), context)
      }
      // While the service still runs there is time to look; once it has stopped there is not.
      return { stored, observation: { ...(await observeMove(context, record)), placed: [] } }
    case 'fence': {
      const name = finalSnapshot(moveOf(record).id)
      const options = { snapshot: name, signal: context.signal }
      const taken = await fenceSource(await sourceOf(now), record, await service(now), now.progress, options)
      const others = (observation.source?.snapshots ?? []).filter((each) => each.name !== name)
      const snapshots = taken === undefined ? others : [...others, taken]
      return patchSource(now, { live: 'frozen', served: false, leaseEpoch: 0, fencedEpoch: epoch, snapshots })
    }
    case 'snapshot': {
      const snapshot = await (await sourceOf(now)).driver.snapshot(volume, finalSnapshot(moveOf(record).id))
      return patchSource(now, { snapshots: [...(observation.source?.snapshots ?? []), snapshot] })
    }
    case 'send':
      return sendFinal(now)
    case 'decide':
      return advance(now, {
        phase: 'flip',
        owner: action.owner,
        epoch: epoch + 1,
        ...policyChange(record, action.owner),
      })
    case 'grant':
      await (await ownerOf(now)).grant(volume, epoch, action.from, record.limitBytes)
      return patchOwner(now, { live: 'writable', served: true, leaseEpoch: epoch })
    case 'place':
      await context.scheduler.place(volume, record.owner)
      return { stored, observation: { ...observation, placed: [record.owner] } }
    case 'wait-serving':
      return waitServing(now)
    case 'demote':
      // The source was fenced at the epoch before the one that the flip gave to the target.
      await (await sourceOf(now)).retire(volume, epoch - 1, finalSnapshot(moveOf(record).id))
      return patchSource(now, { live: 'absent' })
    case 'collect':
      return { stored, observation: { ...observation, collected: { base: await collectSnapshots(context, record) } } }
    case 'close': {
      await handOrders(context, record)
      // A move that is given up while it copies has not used up its epoch yet; the source's lease stays good.
      const next = record.phase === 'precopy' ? epoch + 1 : epoch
      return advance(now, { phase: 'idle', move: undefined, base: observation.collected?.base, epoch: next })
    }
    case 'blocked':
      throw blocked(record, action.node, action.why)
  }
}

/**
 * Copies while the service runs, and returns what is true then. Replicas wait meanwhile: they would take away the snapshots
 * that this one starts from. What the owner does by itself is told to the target before it can become one, while there is
 * time. Next to nothing is left to {@link copyWhileStopping}.
 */
async function copyAhead(now: Performing): Promise<MoveObservation> {
  const { record } = now.stored
  const ends = await endsOf(now)
  if (record.policy !== undefined) await ends.source.tending.hold(record.name)
  const waits = await copyCanWait(now, ends)
  if (!waits) await precopy(ends, now.figures, now.progress, now.context.signal, await limitOf(now))
  if (record.policy !== undefined) {
    const next = { ...record, owner: ends.target.node, ...policyChange(record, ends.target.node) }
    await ends.target.tending.setOrders(record.name, ordersText(next))
  }
  return waits ? now.observation : observeMove(now.context, record)
}

/** A service that does not run is not stopped, whatever that took when it did. */
async function limitOf(now: Performing): Promise<PauseLimit> {
  const { maxPauseMs, restartMs } = now.context
  return restartMs === undefined || (await service(now)) === undefined ? { maxPauseMs } : { maxPauseMs, restartMs }
}

/**
 * Whether the target lacks so little of the volume that nothing need be copied before the service is stopped. That the
 * nodes do not reach each other would be found out too late then.
 */
async function copyCanWait({ observation, context }: Performing, { volume, source, target }: Ends): Promise<boolean> {
  const base = newestCommon(observation.source?.snapshots ?? [], observation.target?.snapshots ?? [])
  if (base === undefined || context.maxPauseMs !== undefined) return false
  const [{ bytes }, reached] = await Promise.all([
    source.driver.changes(volume, base.name, 0),
    context.reached === true || source.reaches(target.node),
  ])
  return reached && canWaitForStop(bytes)
}

function policyChange({ policy, owner }: VolumeRecord, next: string): Pick<VolumeRecord, 'policy'> {
  return policy === undefined ? {} : { policy: policyAfterMove(policy, owner, next) }
}

/** Writes the record anew; the move goes on only if nobody else changed it. */
async function advance(now: Performing, change: Partial<VolumeRecord>): Promise<Progressing> {
  const stored = await now.context.records.replace(now.stored, { ...now.stored.record, ...change })
  return { stored, observation: now.observation }
}

async function sendFinal(now: Performing): Promise<Progressing> {
  const ends = await endsOf(now)
  const ours = now.observation.source?.snapshots ?? []
  const final = ours.find(({ name }) => name === finalSnapshot(ends.move.id))
  if (final === undefined) throw blocked(now.stored.record, ends.source.node, 'no-data')
  const base = newestCommon(ours, now.observation.target?.snapshots ?? [])
  const { bytes } = await sendSnapshot(ends, final, base ?? (await prepareTarget(ends)), {
    onProgress: (sent) => {
      now.progress(`${bytesText(sent)} sent`)
    },
  })
  now.figures.rounds++
  now.figures.bytesSent += bytes
  const target = await verifyCopy(ends, final)
  return { stored: now.stored, observation: { ...now.observation, target } }
}

/** The data is where it belongs, so a service that does not come up does not keep the move open: it is told at the end. */
async function waitServing(now: Performing): Promise<Progressing> {
  const { context, stored, figures } = now
  const using = await service(now)
  if (using !== undefined) {
    try {
      await context.scheduler.waitServing(using, stored.record.owner, SERVING_DEADLINE_MS, context.signal)
    } catch (error) {
      // Interrupted, the move is brought to its end all the same; only nobody waits for the service.
      if (!context.signal.aborted && (!(error instanceof LabError) || error.code !== 'NOT_SERVING')) throw error
      if (error instanceof LabError) figures.notServing = error
    }
  }
  return advance(now, { phase: 'demote' })
}

function service({ context, stored }: Performing): Promise<VolumeService | undefined> {
  return context.scheduler.service(stored.record)
}

async function endsOf(now: Performing): Promise<Ends> {
  const move = moveOf(now.stored.record)
  const [source, target] = await Promise.all([now.context.node(move.source), now.context.node(move.target)])
  return { volume: now.stored.record.name, move, source, target }
}

function sourceOf({ context, stored }: Performing) {
  return context.node(moveOf(stored.record).source)
}

function ownerOf({ context, stored }: Performing) {
  return context.node(stored.record.owner)
}

function patchSource(now: Performing, change: Partial<NodeVolume>): Progressing {
  const { source } = now.observation
  const patched = source === undefined ? undefined : { ...source, ...change }
  return { stored: now.stored, observation: { ...now.observation, source: patched } }
}

function patchOwner(now: Performing, change: Partial<NodeVolume>): Progressing {
  if (now.stored.record.owner === moveOf(now.stored.record).source) return patchSource(now, change)
  const { target } = now.observation
  const patched = target === undefined ? undefined : { ...target, ...change }
  return { stored: now.stored, observation: { ...now.observation, target: patched } }
}

function moveOf(record: VolumeRecord) {
  if (record.move !== undefined) return record.move
  throw new LabError('VOLUME_RECORD', `the record of ${record.name} is in phase ${record.phase} without a move`)
}

/** What only saves time must not end a move. */
async function quietly(work: () => Promise<void>, context: MoveContext): Promise<void> {
  try {
    await work()
  } catch (error) {
    context.notice(
      `an increment while the service stops was left out: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function blocked(record: VolumeRecord, node: string, why: 'unreachable' | 'no-data' | 'stray-copy'): LabError {
  const { name, phase, move } = record
  const again = `lab move-volume ${name} ${move?.target ?? ''}`.trimEnd()
  if (why === 'unreachable') {
    const state =
      phase === 'flip' || phase === 'start'
        ? `which owns ${name} by now`
        : `which ${name} moves ${node === move?.target ? 'to' : 'from'}`
    return new LabError('UNREACHABLE', `${node}, ${state}, cannot be reached`, {
      where: node,
      hint: `start it ("lab up"), then: ${again}`,
    })
  }
  if (why === 'stray-copy') {
    return new LabError('STRAY_COPY', `${node} has a copy of ${name} of its own, though it is not its owner`, {
      where: node,
      hint: 'lab up (it keeps the copy as a snapshot)',
    })
  }
  return new LabError('NO_DATA', `the data of ${name} is not on ${node}, where its record says it is`, {
    where: node,
    hint: `look at it with "lab ssh ${node}"; nothing was deleted`,
  })
}
