import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import { checkNames } from './driver-name.ts'
import { BUSY, VOLUME_PATHS } from './node/paths.ts'

/** A lock that lasts until it is released, or until whoever holds it is gone, however it went. */
export interface MoveLock {
  release(): Promise<void>
}

// A lab that was killed a moment ago may not have let go yet, so a short wait is no sign of another one.
const HOLD = `umask 077
mkdir -p "$1"
exec flock -w 3 -E ${String(BUSY)} "$1/move-$2" sh -c 'echo held; exec cat >/dev/null'`

/**
 * Holds the lock of a volume's moves on a manager, by a process there that ends with this connection. The record's
 * compare-and-swap is what keeps two movers apart; this tells a second one at once, before it does anything. Throws
 * `MOVE_UNDER_WAY` when it is held.
 */
export async function holdMoveLock(connection: Connection, volume: string): Promise<MoveLock> {
  checkNames(volume)
  const holder = await connection.spawn({ argv: ['sh', '-c', HOLD, 'hold', VOLUME_PATHS.locks, volume] })
  holder.stderr.resume()
  const held = new Promise<boolean>((resolve, reject) => {
    holder.stdout.once('data', () => {
      resolve(true)
    })
    holder.exit.then(() => {
      resolve(false)
    }, reject)
  })
  if (!(await held)) {
    throw new LabError('MOVE_UNDER_WAY', `another lab command is moving or changing ${volume} right now`, {
      where: `volume ${volume}`,
      hint: 'wait for it to end ("lab volumes" shows its phase), then run this again',
    })
  }
  return {
    release: async () => {
      holder.stdin.end()
      await holder.exit
    },
  }
}
