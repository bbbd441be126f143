import { randomBytes } from 'node:crypto'
import { LabError } from '../model/errors.ts'
import { policyAfterMove } from '../model/volume-policy.ts'
import type { PromotedVolume } from '../model/volume-outcome.ts'
import type { NodeVolumes, StoredRecord, VolumeRecord } from '../model/volume.ts'
import { findVolume } from '../volumes/find-volume.ts'
import { observeVolume, strayCopy } from '../volumes/move/copy-round.ts'
import { runMove } from '../volumes/move/run-move.ts'
import { ordersText } from '../volumes/orders.ts'
import { acceptCandidate, ageText, candidateOn, lastCandidate, type PromotionCandidate } from '../volumes/promote.ts'
import { checkTarget, openMove, takeOver } from './move-volume.ts'
import { prepareTargetNode } from './move-target.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { openVolumes, type LabVolumes } from './volume-nodes.ts'

/** What `lab volume promote` takes. */
export interface PromoteVolumeOptions {
  /** A volume, or an app or service that has one. */
  readonly volume: string
  /** The node whose copy becomes the volume. */
  readonly to: string
  /** What the dead owner wrote after the copy may be lost. */
  readonly acceptLoss: boolean
  /** The user vouches that the owner is off, and stays off until it asks a manager. Where lab cannot power it off. */
  readonly fenced: boolean
}

/**
 * Makes the copy of a volume on another node the volume, when its owner is dead. The owner is powered off before the
 * record names another one. Cut off anywhere, the same again finishes it. Emits `promoted` last. Throws `OWNER_ANSWERS`,
 * `NO_REPLICA`, `MAY_LOSE_WRITES` with everything as before.
 */
export async function promoteVolume(lab: OpenLab, options: PromoteVolumeOptions): Promise<PromotedVolume> {
  checkTarget(lab, options.to)
  const volumes = openVolumes(lab)
  const { name, owner } = findVolume(await volumes.records.list(), options.volume).record
  const result = await volumes.withLock(name, async (): Promise<PromotedVolume> => {
    // Read under the lock: what was seen before may be over by now.
    const stored = findVolume(await volumes.records.list(), name)
    const { record } = stored
    if (record.move?.promotes !== undefined && record.owner === options.to) {
      return promoted(await finish(lab, volumes, await takeOver(volumes, stored)), record, undefined)
    }
    if (record.owner === options.to) return promoted(stored.record, record, undefined)
    const target = await volumes.node(options.to)
    await runTask(lab.emit, `check ${record.owner} and the copy on ${options.to}`, (task) => {
      task.progress(`asking ${record.owner}`)
      return check(volumes, record, target, options)
    })
    await runTask(lab.emit, `make ${options.to} ready`, (task) =>
      prepareTargetNode(lab, volumes, record, options.to, task),
    )
    if (!options.fenced) await powerOff(lab, record.owner)
    // While it had power it may have sent another replica, which took the place of the one that was seen.
    const last = await runTask(lab.emit, `see what ${options.to} has by now`, () => lastCandidate(target, record))
    const candidate = acceptCandidate(record, options.to, last, options.acceptLoss)
    tellCandidate(lab, record, options.to, candidate)
    const next = openPromotion(record, options.to, candidate.snapshot)
    // Before it may serve: the orders say whether it must ask a manager after a boot.
    await target.tending.setOrders(name, ordersText(next))
    const done = await finish(lab, volumes, await volumes.records.replace(stored, next))
    return promoted(done, record, candidate)
  })
  lab.emit({ type: 'promoted', ...result, from: owner })
  return result
}

/** Finds out whether it can be done and may cost what it does, changing nothing. */
async function check(
  volumes: LabVolumes,
  record: VolumeRecord,
  target: NodeVolumes,
  { to, acceptLoss }: PromoteVolumeOptions,
): Promise<void> {
  const { name, owner } = record
  if (await answers(volumes, owner)) {
    throw new LabError('OWNER_ANSWERS', `${owner}, which owns ${name}, is alive: moving loses nothing`, {
      where: owner,
      hint: `lab move-volume ${name} ${to}`,
    })
  }
  if ((await observeVolume(target, name)).live !== 'absent') throw strayCopy(name, to)
  acceptCandidate(record, to, await candidateOn(target, record), acceptLoss)
}

function tellCandidate(lab: OpenLab, { name, owner }: VolumeRecord, to: string, candidate: PromotionCandidate): void {
  const message = candidate.complete
    ? `${to} has all of ${name}: ${owner} had handed it over`
    : `${name} goes on from ${candidate.snapshot}, which is ${ageText(candidate.ageMs)}`
  lab.emit({ type: 'notice', level: candidate.complete ? 'info' : 'warning', message })
}

async function answers(volumes: LabVolumes, node: string): Promise<boolean> {
  try {
    await (await volumes.node(node)).state()
    return true
  } catch (error) {
    if (error instanceof LabError && error.code === 'UNREACHABLE') return false
    throw error
  }
}

/** A node that does not answer may still run and write. Only one without power surely does not. */
async function powerOff(lab: OpenLab, node: string): Promise<void> {
  const state = async () => {
    lab.refresh()
    return (await lab.machines()).find(({ name }) => name === node)?.state ?? 'missing'
  }
  if ((await state()) !== 'running') return
  await runTask(lab.emit, `power ${node} off`, async () => {
    try {
      await lab.provider.kill(node)
    } catch (cause) {
      if (!(cause instanceof LabError) || cause.code !== 'NO_POWER') throw cause
      throw new LabError('NOT_FENCED', `${node} does not answer and may still write: lab cannot switch it off`, {
        where: node,
        hint: 'switch it off by hand, then run this again with --fenced',
        cause,
      })
    }
    if ((await state()) !== 'running') return
    throw new LabError('NOT_FENCED', `${node} could not be powered off and may still write`, {
      where: node,
      hint: 'power it off by hand, then run this again with --fenced',
    })
  })
}

function openPromotion(record: VolumeRecord, to: string, promotes: string): VolumeRecord {
  const run = randomBytes(3).toString('hex')
  const startedAt = new Date().toISOString()
  const { policy, owner, epoch } = record
  return {
    ...record,
    owner: to,
    epoch: epoch + 1,
    phase: 'flip',
    // A rollback that the owner died in is void: what it went back to or kept is there, not here.
    rollback: undefined,
    move: { id: epoch, run, source: owner, target: to, startedAt, promotes },
    ...(policy === undefined ? {} : { policy: policyAfterMove(policy, owner, to) }),
  }
}

async function finish(lab: OpenLab, volumes: LabVolumes, stored: StoredRecord): Promise<VolumeRecord> {
  const figures = { rounds: 0, bytesSent: 0 }
  const { record } = await runMove(openMove(lab, volumes).context, stored, 'finish', figures)
  const { notServing } = figures as { notServing?: LabError }
  if (notServing !== undefined) {
    const { code, message, where, hint } = notServing
    throw new LabError(code, `${record.name} is on ${record.owner} now, but ${message}`, { where, hint })
  }
  return record
}

function promoted(done: VolumeRecord, before: VolumeRecord, candidate: PromotionCandidate | undefined): PromotedVolume {
  return {
    volume: done.name,
    from: before.move?.source ?? before.owner,
    to: done.owner,
    epoch: done.epoch,
    snapshot: candidate?.snapshot ?? before.move?.promotes ?? '',
    ageMs: candidate?.ageMs,
    lossPossible: candidate?.complete === false,
  }
}
