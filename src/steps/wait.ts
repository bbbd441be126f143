import { connects, httpAnswer, httpStatus, listens, portConnects, portListens } from '../facts/readiness.ts'
import { pathState, type PathState } from '../facts/path.ts'
import { succeeds, type Run } from '../facts/satisfied.ts'
import { unitName, unitState, type UnitState } from '../facts/unit.ts'
import { defineStep } from '../model/define-step.ts'
import { holdsHidden, refuseHidden } from '../model/hidden-values.ts'
import { UsageError } from '../model/errors.ts'
import { checkNodePath } from '../model/node-path.ts'
import type { FactQuery, Step } from '../model/step.ts'
import { hasCredentials } from '../model/url-credentials.ts'
import { quote } from '../shell/quote.ts'

/** What is waited for: exactly one of `port`, `unit`, `http`, `path` and `until`. */
export type WaitOptions = Awaited & {
  /** Longest to wait, in milliseconds; after that it is an error. @default 60000 */
  readonly deadlineMs?: number
  /** Steps that bring it about: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/** One condition. */
type Awaited =
  | {
      /** A TCP port: of the node itself, somebody listens on it; with `host`, it takes a connection. */
      readonly port: number
      /** Name or address of another machine. */
      readonly host?: string
    }
  | {
      /** A systemd unit that is active. */
      readonly unit: string
    }
  | {
      /** A URL that answers; `https://` needs curl on the node. Redirections are not followed. */
      readonly http: string
      /** The status it has to answer with. @default any from 200 to 299 */
      readonly status?: number
    }
  | {
      /** A path that is there. */
      readonly path: string
    }
  | {
      /** A read-only command that succeeds: an argument vector or a POSIX sh script. */
      readonly until: Run
      /** What it tells, as it reads after "wait until". */
      readonly title: string
    }

const WAIT = `test=$1 deadline=$2
end=$(($(date +%s) + deadline))
until ( eval "$test" ) </dev/null >/dev/null 2>&1; do
  [ "$(date +%s)" -lt "$end" ] || { echo "not so within $deadline s" >&2; exit 1; }
  sleep 0.2
done`

/**
 * Waits until something is so, with a deadline. Where it is so already there is nothing to do.
 * @example wait({ unit: 'systemd-journald' })
 * @example wait({ http: 'http://127.0.0.1:8000/tool', status: 200, deadlineMs: 10_000 })
 * @throws STEP_FAILED: the deadline has passed.
 */
export const wait = defineStep({
  kind: 'wait',
  title: (wanted: WaitOptions) => `wait until ${wishOf(wanted)}`,
  validate(wanted) {
    if ('path' in wanted) checkNodePath(wanted.path)
    if ('port' in wanted) checkPort(wanted.port, wanted.host)
    if ('http' in wanted && (hasCredentials(wanted.http) || holdsHidden(wanted.http))) {
      throw new UsageError('the URL has a password or a token in it, which all could read')
    }
    if ('until' in wanted) refuseHidden('"until"', [wanted.until].flat())
    if ('http' in wanted && !(/^https?:\/\/[!-~]+$/.test(wanted.http) && URL.canParse(wanted.http))) {
      throw new UsageError(`"${wanted.http}" is not a http:// or https:// URL`)
    }
    if ('unit' in wanted && (!/^[A-Za-z0-9:_.@\\-]+$/.test(wanted.unit) || wanted.unit.startsWith('-'))) {
      throw new UsageError(`"${wanted.unit}" is not the name of a systemd unit`)
    }
    if (!(deadlineOf(wanted) > 0)) throw new UsageError(`waiting until ${wishOf(wanted)}: deadlineMs is not positive`)
  },
  facts: (wanted): { now: FactQuery<unknown> } => ({ now: factOf(wanted) }),
  diff(wanted, { now }) {
    const found = isSo(wanted, now)
    return found === true ? [] : [{ path: 'condition', from: found, to: wishOf(wanted) }]
  },
  apply(wanted) {
    const seconds = Math.ceil(deadlineOf(wanted) / 1000)
    const argv = ['sh', '-c', WAIT, 'wait', testOf(wanted), String(seconds)]
    return [{ argv, timeoutMs: seconds * 1000 + 10_000 }]
  },
  after: ({ after }) => after ?? [],
})

function deadlineOf({ deadlineMs }: WaitOptions): number {
  return deadlineMs ?? 60_000
}

function wishOf(wanted: WaitOptions): string {
  if ('port' in wanted)
    return `port ${String(wanted.port)}${wanted.host === undefined ? '' : ` of ${wanted.host}`} is open`
  if ('unit' in wanted) return `${unitName(wanted.unit)} is active`
  if ('http' in wanted) return `${wanted.http} answers${wanted.status === undefined ? '' : ` ${String(wanted.status)}`}`
  return 'path' in wanted ? `${wanted.path} is there` : wanted.title
}

function factOf(wanted: WaitOptions): FactQuery<unknown> {
  if ('port' in wanted) {
    return wanted.host === undefined ? portListens(wanted.port) : portConnects(wanted.host, wanted.port)
  }
  if ('unit' in wanted) return unitState(unitName(wanted.unit))
  if ('http' in wanted) return httpAnswer(wanted.http)
  return 'path' in wanted ? pathState(wanted.path) : succeeds(wanted.until)
}

/** True, or what there is instead. */
function isSo(wanted: WaitOptions, now: unknown): true | string {
  if ('port' in wanted) return now === true || 'closed'
  if ('unit' in wanted) return (now as UnitState).active === 'active' || (now as UnitState).active
  if ('path' in wanted) return (now as PathState).type !== 'absent' || 'absent'
  if (!('http' in wanted)) return now === true || 'not yet'
  const status = now as number | undefined
  if (status === undefined) return 'no answer'
  return (wanted.status === undefined ? status >= 200 && status < 300 : status === wanted.status) || String(status)
}

/** The same question as shell text, to be asked again and again. */
function testOf(wanted: WaitOptions): string {
  if ('port' in wanted) return wanted.host === undefined ? listens(wanted.port) : connects(wanted.host, wanted.port)
  if ('unit' in wanted)
    return `[ "$(systemctl show -p ActiveState --value -- ${quote(unitName(wanted.unit))})" = active ]`
  if ('path' in wanted) return `[ -e ${quote(wanted.path)} ] || [ -L ${quote(wanted.path)} ]`
  if ('http' in wanted) {
    const expected = wanted.status === undefined ? '2??' : String(wanted.status)
    return `case $(${httpStatus(wanted.http)}) in ${expected}) ;; *) false ;; esac`
  }
  return succeeds(wanted.until).script
}

function checkPort(port: number, host: string | undefined): void {
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new UsageError(`${String(port)} is not a port: 1 to 65535`)
  if (host !== undefined && !/^[A-Za-z0-9:][A-Za-z0-9.:-]*$/.test(host)) throw new UsageError(`"${host}" is not a host`)
}
