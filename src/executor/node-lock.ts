import { hostname, userInfo } from 'node:os'
import type { Connection } from '../model/connection.ts'
import { NODE_PATHS } from '../model/names.ts'
import { quote } from '../shell/quote.ts'

/** Descriptor that holds the lock in the shell of an apply script. */
export const LOCK_FD = '8'
const LOCK_FILE = `${NODE_PATHS.run}/lock`

/** Longest anything holds the lock: what an earlier run started may be an installation. */
const WAIT_SECONDS = 1800

/** Takes the node's lock for as long as the shell lives; says who holds it, and fails, when somebody does. */
export function takeLock(): string {
  return `mkdir -p -m 0755 ${NODE_PATHS.run} && exec ${LOCK_FD}>>${LOCK_FILE} || exit
if flock -n ${LOCK_FD}; then printf '%s\\n' ${quote(holder())} >${LOCK_FILE}
else cat ${LOCK_FILE}; false; fi`
}

/** Waits until nobody holds the node's lock; false when that takes longer than anything may. */
export async function waitForLock(connection: Pick<Connection, 'script'>, signal: AbortSignal): Promise<boolean> {
  const script = `exec flock -w ${String(WAIT_SECONDS)} ${LOCK_FILE} true`
  return (await connection.script(script, { signal })).status === 0
}

/** Who holds a node's lock, for whoever has to wait. */
function holder(): string {
  return `process ${String(process.pid)} of ${userInfo().username}@${hostname()}`
}
