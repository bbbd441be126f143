import type { NodeVolume, VolumeRecord } from '../../model/volume.ts'
import type { MoveContext } from './context.ts'
import { observeVolume } from './copy-round.ts'
import type { MoveObservation } from './next-action.ts'
import { isGone } from './node-gone.ts'

/** Both ends of a move and the volume's label, as they are now. */
export async function observeMove(context: MoveContext, record: VolumeRecord): Promise<MoveObservation> {
  const look = async (node: string | undefined): Promise<NodeVolume | undefined> => {
    if (node === undefined) return undefined
    try {
      return await observeVolume(await context.node(node), record.name)
    } catch (error) {
      if (isGone(error)) return undefined
      throw error
    }
  }
  const [source, target, placed] = await Promise.all([
    look(record.move?.source),
    look(record.move?.target),
    context.scheduler.placed(record.name),
  ])
  return { source, target, placed }
}
