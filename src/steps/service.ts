import { fingerprint, FINGERPRINTS } from '../facts/fingerprint.ts'
import { pathState, type PathState } from '../facts/path.ts'
import { STAMPS, unitName, unitState, type UnitState } from '../facts/unit.ts'
import type { Command } from '../model/command.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import type { Change, FactQuery, Step } from '../model/step.ts'

/** A systemd unit as it has to be. What is left out is left alone. */
export interface ServiceOptions {
  /** `docker`, `docker.socket`, `lab-volumes.service`, ... */
  readonly unit: string
  /** Whether it is active now. */
  readonly running?: boolean
  /** Started at boot. */
  readonly enabled?: boolean
  /** Whether nothing can start it. */
  readonly masked?: boolean
  /** The running process must be newer than what is in the files of these steps; a stale one is restarted. */
  readonly restartAfter?: readonly Step[]
  /** The same, where a reload is enough. */
  readonly reloadAfter?: readonly Step[]
  /** Longest a start may take, in milliseconds. @default 120000 */
  readonly timeoutMs?: number
}

// Starts, restarts or reloads a unit and notes what was in force. The fingerprints are taken before: a file that changes
// meanwhile makes the unit stale, never falsely fresh. What is asked for on purpose does not count as one start too many in
// a row; one that never ran (no invocation) has none to forget. A socket cannot be restarted under a running service of its own.
const ACT = `unit=$1 action=$2 invocation=$3; shift 3
${FINGERPRINTS}
in_force=$(fingerprints "$@")
failed() {
  status=$1
  journalctl --unit="$unit" --invocation=0 --lines=15 --no-pager --output=cat >&2 2>/dev/null ||
    journalctl --unit="$unit" --lines=15 --no-pager --output=cat >&2
  exit "$status"
}
[ -z "$invocation" ] || systemctl reset-failed -- "$unit" 2>/dev/null
resume=
case $action:$unit in restart:*.socket)
  for service in $(systemctl show --property=Triggers --value -- "$unit"); do
    systemctl is-active --quiet -- "$service" || continue
    systemctl stop -- "$service" || failed $?
    resume="$resume $service"
  done
esac
systemctl "$action" -- "$unit" || failed $?
[ -z "$resume" ] || systemctl start -- $resume || failed $?
umask 077
[ -d ${STAMPS} ] || mkdir -p -- ${STAMPS}
{ systemctl show --property=InvocationID --value -- "$unit"; printf '%s\\n' "$in_force"; } >${STAMPS}/"$unit.new" &&
  mv -f -- ${STAMPS}/"$unit.new" ${STAMPS}/"$unit"`

/** Files get the time of the kernel's last tick: up to 10 ms before the moment they were written. */
const TICK_US = 10_000

/**
 * A systemd unit: running or not, started at boot or not, and never older than the files it reads.
 * @example
 * const settings = file({ path: '/etc/systemd/journald.conf.d/size.conf', content: '[Journal]\nSystemMaxUse=64M\n' })
 * service({ unit: 'systemd-journald', running: true, restartAfter: [settings] })
 * @example service({ unit: 'rsyslog', running: false, enabled: false })
 * @throws USAGE: the name is not that of a unit, or it is to be masked and running.
 * @throws FACT_UNAVAILABLE: systemd does not answer.
 * @throws STEP_FAILED: it does not start; the last lines of its journal are shown. Or there is no such unit.
 */
export const service = defineStep({
  kind: 'service',
  title: (wanted: ServiceOptions) => `service ${wanted.unit}: ${wish(wanted)}`,
  validate(wanted) {
    if (!/^[A-Za-z0-9:_.@\\-]+$/.test(wanted.unit) || wanted.unit.startsWith('-')) {
      throw new UsageError(`"${wanted.unit}" is not the name of a systemd unit`)
    }
    if (wanted.masked === true && (wanted.running === true || wanted.enabled === true)) {
      throw new UsageError(`${wanted.unit}: what is masked can be neither running nor enabled`)
    }
  },
  facts: (wanted): Record<string, FactQuery<unknown>> => ({
    unit: unitState(unitName(wanted.unit)),
    ...Object.fromEntries(filesOf(wanted).map((path) => [path, pathState(path)])),
  }),
  diff(wanted, observed, pending) {
    const unit = observed['unit'] as UnitState
    const changes: Change[] = []
    const masked = unit.load === 'masked' || unit.file.startsWith('masked')
    const wantsMasked = maskedAsWanted(wanted)
    if (wantsMasked !== undefined && wantsMasked !== masked) changes.push(differs('masked', masked))
    const enabled = wanted.enabled === true ? ENABLED.has(unit.file) : unit.file.startsWith('enabled')
    if (wanted.enabled !== undefined && wanted.enabled !== enabled) {
      changes.push({ path: 'enabled', from: unit.file === '' ? 'no such unit' : unit.file, to: yesNo(wanted.enabled) })
    }
    if (unit.needsReload) changes.push({ path: 'unit file', from: 'as last read', to: 'read again' })
    const running = unit.active === 'active' || unit.active === 'reloading'
    const wantsRunning = wanted.masked === true ? false : wanted.running
    if (wantsRunning !== undefined && wantsRunning !== running) {
      changes.push({ path: 'running', from: unit.active, to: yesNo(wantsRunning) })
    } else if (running && wantsRunning !== false) {
      changes.push(...staleness(wanted, unit, observed, pending))
    }
    return changes
  },
  apply(wanted, changes, observed) {
    const unit = unitName(wanted.unit)
    const timeout = { timeoutMs: wanted.timeoutMs ?? 120_000 }
    const { needsReload, load, invocation } = observed['unit'] as UnitState
    const change = (path: string) => changes.find((each) => each.path === path)
    const act = (action: string): Command => ({
      argv: ['sh', '-c', ACT, 'service', unit, action, invocation, ...filesOf(wanted)],
      ...timeout,
    })
    const commands: Command[] = []
    const systemctl = (...args: string[]) => commands.push({ argv: ['systemctl', ...args], ...timeout })
    if (change('masked') !== undefined && wanted.masked === true) systemctl('mask', '--no-reload', '--', unit)
    else if (change('masked') !== undefined) {
      systemctl('unmask', '--no-reload', '--', unit)
      systemctl('unmask', '--no-reload', '--runtime', '--', unit)
    }
    // All units are read again once, by enabling one or without. A unit file that is new is not always marked as unread.
    const isUnread =
      needsReload || load === 'not-found' || filesOf(wanted).some((path) => path.includes('/systemd/system/'))
    if (change('enabled') !== undefined) systemctl(wanted.enabled === true ? 'enable' : 'disable', '--', unit)
    else if (isUnread || commands.length > 0) systemctl('daemon-reload')
    if (change('running') !== undefined) {
      if (change('running')?.to === 'yes') commands.push(act('start'))
      else systemctl('stop', '--', unit)
    } else if (change('restarted') !== undefined) commands.push(act('restart'))
    else if (change('reloaded') !== undefined) commands.push(act('reload'))
    return commands
  },
  // What it reads may be put back to what it read at its start: whether it must be restarted shows only then.
  after: (wanted) => [...(wanted.restartAfter ?? []), ...(wanted.reloadAfter ?? [])],
})

/** What runs or starts at boot cannot be masked, whoever masked it. */
function maskedAsWanted({ masked, running, enabled }: ServiceOptions): boolean | undefined {
  return masked ?? (running === true || enabled === true ? false : undefined)
}

/** States of a unit file that are as good as enabled: what cannot be enabled by itself is started by what needs it. */
const ENABLED: ReadonlySet<string> = new Set(['enabled', 'enabled-runtime', 'alias', 'static', 'indirect', 'generated'])

function staleness(
  wanted: ServiceOptions,
  unit: UnitState,
  observed: Readonly<Record<string, unknown>>,
  pending: ReadonlySet<string>,
): Change[] {
  const first = (steps: readonly Step[] | undefined) =>
    pathsOf(steps).find((path) => pending.has(path) || isNewer(path, observed[path] as PathState, unit))
  const stale = first(wanted.restartAfter)
  if (stale !== undefined) return [{ path: 'restarted', from: `stale: started before ${stale} changed`, to: 'fresh' }]
  const reload = first(wanted.reloadAfter)
  return reload === undefined ? [] : [{ path: 'reloaded', from: `stale: read before ${reload} changed`, to: 'fresh' }]
}

/** True when the file is not what the running process read: by lab's own note of the last start, else by the clock. */
function isNewer(path: string, file: PathState, unit: UnitState): boolean {
  const noted = unit.stamp?.invocation === unit.invocation ? unit.stamp.files.get(path) : undefined
  return noted === undefined ? file.modifiedUs + TICK_US > unit.startedUs : noted !== fingerprint(file)
}

function filesOf(wanted: ServiceOptions): readonly string[] {
  return [...new Set([...pathsOf(wanted.restartAfter), ...pathsOf(wanted.reloadAfter)])]
}

function pathsOf(steps: readonly Step[] | undefined): readonly string[] {
  return (steps ?? []).flatMap(({ files }) => files)
}

function differs(path: string, found: boolean): Change {
  return { path, from: yesNo(found), to: yesNo(!found) }
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no'
}

function wish({ running, enabled, masked }: ServiceOptions): string {
  const words = [
    running === undefined ? undefined : running ? 'running' : 'stopped',
    enabled === undefined ? undefined : enabled ? 'enabled' : 'disabled',
    masked === undefined ? undefined : masked ? 'masked' : 'not masked',
  ].filter((word) => word !== undefined)
  return words.length === 0 ? 'as fresh as its files' : words.join(', ')
}
