import { createHash } from 'node:crypto'
import { pathState, type PathState } from '../facts/path.ts'
import { unitState } from '../facts/unit.ts'
import { checkAccountName } from '../model/account-name.ts'
import { defineStep } from '../model/define-step.ts'
import { refuseHidden } from '../model/hidden-values.ts'
import { UsageError } from '../model/errors.ts'
import { checkName } from '../model/names.ts'
import { checkNodePath } from '../model/node-path.ts'
import type { Change } from '../model/step.ts'

/** A command that systemd runs again and again, or no longer. */
export type TimerOptions = TimerPresent | TimerAbsent

/** What is run, and when: by the calendar or at intervals, one of the two. */
export type TimerPresent = TimerJob &
  (
    | {
        /** As in systemd.time(7): `daily`, `Mon *-*-* 03:00`. In the time zone of the node. */
        readonly calendar: string
        readonly everyMs?: never
        /** A run that was missed while the node was off is made up for at boot. @default true */
        readonly persistent?: boolean
      }
    | {
        /** Milliseconds between the starts of two runs, and before the first one. */
        readonly everyMs: number
        readonly calendar?: never
        readonly persistent?: never
      }
  )

/** What a timer runs. */
export interface TimerJob {
  /** Names the units `<name>.timer` and `<name>.service`. */
  readonly name: string
  /** Argument vector, its first word an absolute path; or a POSIX sh script (run with -e and -u). Nothing secret. */
  readonly command: readonly string[] | string
  /** Account it runs as. @default root */
  readonly user?: string
  /** Each run starts up to so many milliseconds later, by chance. @default 0 */
  readonly spreadMs?: number
  /** A run that takes longer is ended. @default no limit */
  readonly timeoutMs?: number
  readonly absent?: false
}

/** A timer that must not be there. A run that is going on is ended. */
export interface TimerAbsent {
  readonly name: string
  readonly absent: true
}

const DIRECTORY = '/etc/systemd/system'

// A schedule that systemd does not understand would leave a timer that never runs: it is asked first.
const WRITE = `set -eu
name=$1 calendar=$2 service=$3
umask 022
[ -z "$calendar" ] || systemd-analyze calendar -- "$calendar" >/dev/null
write() {
  rm -f -- "$1.lab-new"
  cat >"$1.lab-new"
  chmod 0644 -- "$1.lab-new"
  mv -fT -- "$1.lab-new" "$1"
}
printf %s "$service" | write ${DIRECTORY}/"$name.service"
write ${DIRECTORY}/"$name.timer"
systemctl daemon-reload
systemctl enable --quiet -- "$name.timer"
systemctl start -- "$name.timer"`

const REMOVE = `set -eu
for unit in "$1.timer" "$1.service"; do
  systemctl stop -- "$unit" 2>/dev/null || true
done
[ ! -e ${DIRECTORY}/"$1.timer" ] || systemctl disable --quiet -- "$1.timer"
rm -f -- /var/lib/systemd/timers/"stamp-$1.timer" ${DIRECTORY}/"$1.service" ${DIRECTORY}/"$1.timer"
systemctl daemon-reload
systemctl reset-failed -- "$1.timer" "$1.service" 2>/dev/null || true`

/**
 * A command that systemd runs by the calendar or at intervals, from now on and after every boot. Its output goes to the
 * journal. A run is never started while the one before goes on.
 * @example timer({ name: 'tidy-up', command: ['/usr/bin/find', '/tmp', '-mtime', '+30', '-delete'], calendar: 'daily' })
 * @example timer({ name: 'heartbeat', command: 'date >/run/heartbeat', everyMs: 60_000 })
 */
export const timer = defineStep({
  kind: 'timer',
  title: (wanted: TimerOptions) => {
    if (wanted.absent === true) return `no timer ${wanted.name}`
    return `timer ${wanted.name}: ${wanted.calendar ?? `every ${String(wanted.everyMs)} ms`}`
  },
  validate(wanted) {
    checkName('timer', wanted.name)
    if (wanted.absent === true) return
    const { name, command, calendar, everyMs, spreadMs = 0, timeoutMs } = wanted
    if ((calendar === undefined) === (everyMs === undefined)) {
      throw new UsageError(`timer ${name}: it runs either by the calendar or everyMs`)
    }
    if (calendar !== undefined && !/^[^\n\r\0]+$/.test(calendar))
      throw new UsageError(`timer ${name}: a calendar is one line`)
    for (const [option, ms] of Object.entries({
      everyMs,
      timeoutMs,
      spreadMs: spreadMs === 0 ? undefined : spreadMs,
    })) {
      if (ms === undefined || (Number.isInteger(ms) && ms > 0)) continue
      throw new UsageError(`timer ${name}: ${option} is a whole number of milliseconds`)
    }
    if (wanted.user !== undefined) checkAccountName('user', wanted.user)
    refuseHidden(`timer ${name}: "command"`, [command].flat())
    if (typeof command !== 'string') checkNodePath(command[0] ?? '')
    if ([command].flat().some((word) => word.includes('\0'))) throw new UsageError(`timer ${name}: a command is text`)
  },
  facts: ({ name }) => ({
    serviceFile: pathState(`${DIRECTORY}/${name}.service`),
    timerFile: pathState(`${DIRECTORY}/${name}.timer`),
    service: unitState(`${name}.service`),
    timer: unitState(`${name}.timer`),
  }),
  diff(wanted, { serviceFile, timerFile, service, timer }) {
    const { name } = wanted
    if (wanted.absent === true) {
      const files = { [`${name}.service`]: serviceFile, [`${name}.timer`]: timerFile }
      return Object.entries(files).flatMap(([path, { type }]): Change[] =>
        type === 'absent' ? [] : [{ path, from: type, to: undefined }],
      )
    }
    const changes = [
      ...fileChanges(`${name}.service`, serviceFile, serviceText(wanted)),
      ...fileChanges(`${name}.timer`, timerFile, timerText(wanted)),
    ]
    if (service.needsReload || timer.needsReload)
      changes.push({ path: 'systemd', from: 'as last read', to: 'read again' })
    if (timer.file !== 'enabled') changes.push({ path: 'enabled', from: timer.file || 'no', to: 'yes' })
    if (timer.active !== 'active') changes.push({ path: 'running', from: timer.active, to: 'yes' })
    return changes
  },
  apply(wanted) {
    if (wanted.absent === true) return [{ argv: ['sh', '-c', REMOVE, 'timer', wanted.name] }]
    const { name, calendar = '' } = wanted
    return [{ argv: ['sh', '-c', WRITE, 'timer', name, calendar, serviceText(wanted)], stdin: timerText(wanted) }]
  },
  files: ({ name }) => [`${DIRECTORY}/${name}.service`, `${DIRECTORY}/${name}.timer`],
})

function fileChanges(path: string, state: PathState, text: string): Change[] {
  if (state.type !== 'file') return [{ path, from: state.type === 'absent' ? undefined : state.type, to: 'as wanted' }]
  const same = state.digest === createHash('sha256').update(text).digest('hex') && state.mode === 0o644
  return same ? [] : [{ path, from: 'otherwise', to: 'as wanted' }]
}

function serviceText({ name, command, user, timeoutMs }: TimerPresent): string {
  const argv = typeof command === 'string' ? ['/bin/sh', '-euc', command] : command
  return [
    '[Unit]',
    `Description=Run by ${name}.timer`,
    '[Service]',
    'Type=oneshot',
    ...(user === undefined ? [] : [`User=${user}`]),
    ...(timeoutMs === undefined ? [] : [`TimeoutStartSec=${String(timeoutMs)}ms`]),
    `ExecStart=${argv.map(unitWord).join(' ')}`,
    '',
  ].join('\n')
}

function timerText(wanted: TimerPresent): string {
  const { name, calendar, everyMs, spreadMs = 0 } = wanted
  const schedule =
    calendar === undefined
      ? [`OnActiveSec=${String(everyMs)}ms`, `OnUnitActiveSec=${String(everyMs)}ms`, 'AccuracySec=1s']
      : [`OnCalendar=${calendar}`, `Persistent=${wanted.persistent === false ? 'no' : 'yes'}`]
  return [
    '[Unit]',
    `Description=When to run ${name}.service`,
    '[Timer]',
    ...schedule,
    ...(spreadMs === 0 ? [] : [`RandomizedDelaySec=${String(spreadMs)}ms`]),
    '[Install]',
    'WantedBy=timers.target',
    '',
  ].join('\n')
}

/** One word of a command line in a unit file, where systemd replaces `%` and `$` and has quotes of its own. */
function unitWord(word: string): string {
  const escaped = word
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
    .replaceAll('\r', '\\r')
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$')
  return `"${escaped}"`
}
