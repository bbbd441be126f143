import { LabError } from '../../model/errors.ts'
import type { LocalSnapshot, NodeVolume, NodeVolumes, OpenMove } from '../../model/volume.ts'
import type { TransferWatch } from '../../model/volume-transfer.ts'
import { absentVolume } from '../node-volumes.ts'
import { isDisposable } from './next-action.ts'
import type { Round } from './predict.ts'

/** The ends of a move. */
export interface Ends {
  readonly volume: string
  readonly move: OpenMove
  readonly source: NodeVolumes
  readonly target: NodeVolumes
}

/** One volume as it is on a node. */
export async function observeVolume(node: NodeVolumes, volume: string): Promise<NodeVolume> {
  return (await node.state()).find(({ name }) => name === volume) ?? absentVolume(volume)
}

/** Pure: the newest snapshot that both have whole, by the order of the first. */
export function newestCommon(from: readonly LocalSnapshot[], to: readonly LocalSnapshot[]): LocalSnapshot | undefined {
  return from.findLast((ours) => to.some((theirs) => theirs.name === ours.name && theirs.identity === ours.identity))
}

/**
 * Makes the target able to take the next stream: what moves left there that the source does not have goes away, newest
 * first. Returns the base for an increment. Only what was seen is deleted, by name: never a live copy.
 */
export async function prepareTarget({ volume, move, source, target }: Ends): Promise<LocalSnapshot | undefined> {
  const [ours, theirs] = await Promise.all([observeVolume(source, volume), observeVolume(target, volume)])
  if (theirs.live !== 'absent') throw strayCopy(volume, target.node)
  for (const { name, identity } of theirs.snapshots.toReversed()) {
    const known = ours.snapshots.some((each) => each.name === name && each.identity === identity)
    if (!known && isDisposable(name, move.id)) await target.driver.deleteSnapshot(volume, name)
  }
  return newestCommon(ours.snapshots, theirs.snapshots)
}

/**
 * Sends one snapshot, or takes over a transfer of it that an earlier run of lab left. What arrived is verified by
 * whoever looks at the target next, and by {@link verifyCopy}.
 */
export async function sendSnapshot(
  { volume, source, target }: Ends,
  snapshot: LocalSnapshot,
  since: LocalSnapshot | undefined,
  watch: TransferWatch,
): Promise<Pick<Round, 'bytes' | 'durationMs'>> {
  const started = performance.now()
  const job = { volume, snapshot: snapshot.name, since: since?.name, target: target.node }
  let bytes: number
  try {
    bytes = await source.transfer(job, watch)
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'TRANSFER_BUSY') throw error
    const running = await source.transferJob(volume)
    const same = running?.snapshot === job.snapshot && running.since === job.since && running.target === job.target
    if (!same) await source.stopTransfer(volume)
    bytes = same ? await source.followTransfer(volume, watch) : await source.transfer(job, watch)
  }
  return { bytes, durationMs: performance.now() - started }
}

/** Throws `TRANSFER_FAILED` unless the target has the snapshot whole. Returns what the target has. */
export async function verifyCopy({ volume, target }: Ends, snapshot: LocalSnapshot): Promise<NodeVolume> {
  const theirs = await observeVolume(target, volume)
  const arrived = theirs.snapshots.find(({ name }) => name === snapshot.name)
  if (arrived?.identity === snapshot.identity) return theirs
  throw new LabError(
    'TRANSFER_FAILED',
    `${volume}@${snapshot.name} is not whole on ${target.node} after its transfer`,
    {
      where: target.node,
      hint: 'run the same command again',
    },
  )
}

/** The error for a copy that could be written to on a node that does not own the volume. */
export function strayCopy(volume: string, node: string): LabError {
  return new LabError('STRAY_COPY', `${node} has a copy of ${volume} of its own, though it is not its owner`, {
    where: node,
    hint: 'lab up (it keeps the copy as a snapshot)',
  })
}
