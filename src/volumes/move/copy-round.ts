import { LabError } from '../../model/errors.ts'
import type { LocalSnapshot, NodeVolume, NodeVolumes, OpenMove } from '../../model/volume.ts'
import { absentVolume } from '../node-volumes.ts'
import { isMoveSnapshot } from './next-action.ts'
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
 * first, and so does a copy without any snapshot in common. Returns the base for an increment.
 */
export async function prepareTarget(ends: Ends): Promise<LocalSnapshot | undefined> {
  const { volume, source, target } = ends
  const [ours, theirs] = await Promise.all([observeVolume(source, volume), observeVolume(target, volume)])
  if (theirs.live !== 'absent') throw strayCopy(volume, target.node)
  const base = newestCommon(ours.snapshots, theirs.snapshots)
  if (base === undefined && theirs.snapshots.every(({ name }) => isMoveSnapshot(name))) {
    await target.driver.destroy(volume)
    return undefined
  }
  for (const { name, identity } of theirs.snapshots.toReversed()) {
    const known = ours.snapshots.some((each) => each.name === name && each.identity === identity)
    if (!known && isMoveSnapshot(name)) await target.driver.deleteSnapshot(volume, name)
  }
  return base
}

/** Sends one snapshot, or takes over a transfer of it that an earlier run of lab left, and verifies what arrived. */
export async function copySnapshot(
  ends: Ends,
  snapshot: LocalSnapshot,
  since: LocalSnapshot | undefined,
  onProgress: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<Pick<Round, 'bytes' | 'durationMs'>> {
  const { volume, source, target } = ends
  const started = performance.now()
  const job = await source.transferJob(volume)
  const adopted = job?.active === true && job.snapshot === snapshot.name && job.target === target.node
  if (!adopted) {
    if (job?.active === true) await source.stopTransfer(volume)
    await source.startTransfer(volume, snapshot.name, since?.name, target.node)
  }
  const bytes = await source.followTransfer(volume, onProgress, signal)
  const arrived = (await observeVolume(target, volume)).snapshots.find(({ name }) => name === snapshot.name)
  if (arrived?.identity !== snapshot.identity) {
    throw new LabError(
      'TRANSFER_FAILED',
      `${volume}@${snapshot.name} is not whole on ${target.node} after its transfer`,
      {
        where: target.node,
        hint: 'run the same command again',
      },
    )
  }
  return { bytes, durationMs: performance.now() - started }
}

/** The error for a copy that could be written to on a node that does not own the volume. */
export function strayCopy(volume: string, node: string): LabError {
  return new LabError('STRAY_COPY', `${node} has a copy of ${volume} of its own, though it is not its owner`, {
    where: node,
    hint: 'lab up (it keeps the copy as a snapshot)',
  })
}
