import { randomBytes } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import type { Connection } from '../model/connection.ts'
import { NODE_PATHS } from '../model/names.ts'
import type { FactQuery } from '../model/step.ts'
import { quote } from '../shell/quote.ts'
import { WAITED } from '../shell/transient-unit.ts'

/** Descriptor that holds the lock in the shell of an apply script. */
export const LOCK_FD = '8'
const LOCK_FILE = `${NODE_PATHS.run}/lock`

/** Whoever asks for {@link lastChange} has a share of the lock for a moment; whoever changes something, for longer. */
const READ_SECONDS = '0.2'

/** Longest anything holds the lock: what an earlier run started may be an installation. */
const WAIT_SECONDS = 1800

/**
 * Who last changed something on the node; asked before the facts, so that one knows later whether they still hold. While
 * a change is under way they will not, and the answer is one that is never given again.
 */
export const lastChange: FactQuery<string> = {
  key: 'last change',
  script: `last=
{ { IFS= read -r last; flock -n -s 0 || read -r last </proc/sys/kernel/random/uuid; } <${LOCK_FILE}; } 2>/dev/null
printf %s "$last"`,
  parse: ({ stdout }) => stdout,
}

/**
 * Takes the node's lock for as long as the shell lives. Says who holds it, and fails, when somebody does; fails with
 * {@link WAITED} when somebody other than `lastSeen` has had it since the facts were read: they may be untrue.
 */
export function takeLock(holder: string, lastSeen: string): string {
  return `{ [ -d ${NODE_PATHS.run} ] || mkdir -p -m 0755 ${NODE_PATHS.run}; } && exec ${LOCK_FD}>>${LOCK_FILE} || exit
if ! flock -w ${READ_SECONDS} ${LOCK_FD}; then cat ${LOCK_FILE}; false
elif IFS= read -r last <${LOCK_FILE}; [ "$last" != ${quote(lastSeen)} ]; then ( exit ${String(WAITED)} )
else printf '%s\\n' ${quote(holder)} >${LOCK_FILE}; fi`
}

/** Waits until nobody holds the node's lock; false when that takes longer than anything may. */
export async function waitForLock(connection: Pick<Connection, 'script'>, signal: AbortSignal): Promise<boolean> {
  const script = `exec flock -w ${String(WAIT_SECONDS)} ${LOCK_FILE} true`
  return (await connection.script(script, { signal })).status === 0
}

/**
 * A name for one change of a node, for whoever has to wait for it. Each change has a name of its own: a run that reads
 * facts between two changes of another must find the second out.
 */
export function newHolder(): string {
  return `process ${String(process.pid)} of ${userInfo().username}@${hostname()} (change ${randomBytes(4).toString('hex')})`
}
