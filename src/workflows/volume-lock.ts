import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { holdMoveLock, type MoveLock } from '../volumes/move-lock.ts'
import type { OpenLab } from './open-lab.ts'

/** What locking needs of a lab. */
export type LockingLab = Pick<OpenLab, 'spec' | 'signal' | 'connect' | 'disconnect' | 'manager'>

/**
 * Holds a volume's lock on the first manager of lab.yml that can be reached, so that two labs ask the same one, whichever
 * answers each of them first. Throws `MOVE_UNDER_WAY` when it is held, `NO_MANAGER` when no manager can be reached.
 */
export async function holdVolumeLock(lab: LockingLab, volume: string, hold = holdMoveLock): Promise<MoveLock> {
  for (const { name } of nodesWithRole(lab.spec, 'manager')) {
    const lock = (await holdOn(lab, name, volume, hold)) ?? (await holdOn(lab, name, volume, hold))
    if (lock === 'down') continue
    if (lock !== undefined) return lock
  }
  return hold(await lab.connect((await lab.manager()).node), volume)
}

/** `down`: the node cannot be reached. Undefined: the connection had broken since it was opened; the next is a new one. */
async function holdOn(
  lab: LockingLab,
  node: string,
  volume: string,
  hold: typeof holdMoveLock,
): Promise<MoveLock | 'down' | undefined> {
  let connection: Connection
  try {
    connection = await lab.connect(node)
  } catch (error) {
    if (!(error instanceof LabError) || lab.signal.aborted) throw error
    return 'down'
  }
  try {
    return await hold(connection, volume)
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'UNREACHABLE') throw error
    await lab.disconnect(node)
    return undefined
  }
}
