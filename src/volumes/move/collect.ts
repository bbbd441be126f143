import { LabError } from '../../model/errors.ts'
import type { NodeVolume, NodeVolumes, OpenMove, VolumeRecord } from '../../model/volume.ts'
import type { MoveContext } from './context.ts'
import { newestCommon, observeVolume } from './copy-round.ts'
import { isDisposable } from './next-action.ts'

interface Copy {
  readonly node: NodeVolumes
  readonly volume: NodeVolume
}

/**
 * Deletes the snapshots that moves left, except that the owner and each other node keep the newest one they have in
 * common: from there a later move to that node sends only what changed. Nodes that are down keep theirs. Returns the
 * name of the one the two ends of this move keep.
 */
export async function collectSnapshots(context: MoveContext, record: VolumeRecord): Promise<string | undefined> {
  const copies = await reachableCopies(context, record.name)
  const owner = copies.find(({ node }) => node.node === record.owner)
  const { move } = record
  if (owner === undefined || move === undefined) return record.base
  const former = record.owner === move.target ? move.source : move.target
  const kept = new Map<string, string>()
  const others = copies.filter(({ node }) => node !== owner.node)
  await Promise.all(
    others.map(({ node, volume }) => {
      const common = newestCommon(owner.volume.snapshots, volume.snapshots)
      if (common !== undefined) kept.set(node.node, common.name)
      // A copy without anything in common with the owner's can never be brought up to date.
      return deleteOthers(context, move, { node, volume }, common === undefined ? [] : [common.name])
    }),
  )
  const base = kept.get(former) ?? record.base
  await deleteOthers(context, move, owner, [...kept.values(), ...(base === undefined ? [] : [base])])
  return base
}

async function deleteOthers(
  context: MoveContext,
  move: OpenMove,
  { node, volume }: Copy,
  keep: readonly string[],
): Promise<void> {
  for (const { name } of volume.snapshots) {
    if (!isDisposable(name, move.id) || keep.includes(name)) continue
    try {
      await node.driver.deleteSnapshot(volume.name, name)
    } catch (error) {
      if (!(error instanceof LabError)) throw error
      context.notice(`${volume.name}@${name} stays on ${node.node}: ${error.message}`)
    }
  }
}

async function reachableCopies(context: MoveContext, volume: string): Promise<readonly Copy[]> {
  const copies = await Promise.all(
    context.workers.map(async (name): Promise<Copy | undefined> => {
      try {
        const node = await context.node(name)
        return { node, volume: await observeVolume(node, volume) }
      } catch (error) {
        // Ctrl-C opens no new connections; what is not collected now is collected after the next move.
        if (error instanceof LabError || context.signal.aborted) return undefined
        throw error
      }
    }),
  )
  return copies.filter((copy) => copy !== undefined)
}
