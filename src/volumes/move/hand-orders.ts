import type { VolumeRecord } from '../../model/volume.ts'
import { ordersText } from '../orders.ts'
import type { MoveContext } from './context.ts'
import { isGone } from './node-gone.ts'

/**
 * Gives the owner the orders of its volume, and lets the nodes of the move go on with what they do by themselves. One
 * that is down is told by the next `lab up`.
 */
export async function handOrders(context: MoveContext, record: VolumeRecord): Promise<void> {
  const { name, owner, move } = record
  const orders = ordersText(record)
  await unlessDown(async () => {
    const { tending } = await context.node(owner)
    // A volume that never had orders costs no command.
    if (record.policy !== undefined) await tending.setOrders(name, orders)
  })
  if (move === undefined || record.policy === undefined) return
  await unlessDown(async () => (await context.node(move.source)).tending.release(name))
}

async function unlessDown(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isGone(error)) throw error
  }
}
