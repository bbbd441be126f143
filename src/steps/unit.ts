import { createHash } from 'node:crypto'
import { accessChanges } from '../facts/ownership.ts'
import { pathState, type PathState } from '../facts/path.ts'
import { unitName, unitState } from '../facts/unit.ts'
import { defineStep } from '../model/define-step.ts'
import { refuseHidden } from '../model/hidden-values.ts'
import { UsageError } from '../model/errors.ts'
import { FactUnavailable, type Change } from '../model/step.ts'

/** A file that tells systemd of a unit, or none. */
export type UnitOptions = UnitPresent | UnitAbsent

/** A unit file as it has to be. */
export interface UnitPresent {
  /** `app` (that is app.service), `app.socket`, `app@.service`, ... */
  readonly name: string
  /** Text as in systemd.unit(5). */
  readonly content: string
  /** Name of a drop-in: the text goes to `<unit>.d/<dropIn>.conf` and adds to what the unit says elsewhere. */
  readonly dropIn?: string
  readonly absent?: false
}

/** A unit file, or a drop-in, that must not be there. A unit is stopped and disabled first. */
export interface UnitAbsent {
  readonly name: string
  readonly dropIn?: string
  readonly absent: true
}

const DIRECTORY = '/etc/systemd/system'

const WRITE = `set -eu
umask 022
mkdir -p -- "\${1%/*}"
rm -f -- "$1.lab-new"
cat >"$1.lab-new"
chown root:root -- "$1.lab-new"
chmod 0644 -- "$1.lab-new"
mv -fT -- "$1.lab-new" "$1"
systemctl daemon-reload`

const REMOVE = `set -eu
path=$1 unit=$2
[ -z "$unit" ] || [ ! -e "$path" ] || systemctl disable --now --quiet -- "$unit"
rm -f -- "$path"
rmdir -- "\${path%/*}" 2>/dev/null || true
systemctl daemon-reload
[ -z "$unit" ] || systemctl reset-failed -- "$unit" 2>/dev/null || true`

/**
 * A unit file in /etc/systemd/system, or a drop-in for a unit, which systemd has read. Whether the unit runs, and is
 * restarted when its file changes, is said with `service({ unit, running: true, restartAfter: [thisStep] })`.
 * @example unit({ name: 'pause.service', content: '[Service]\nExecStart=/usr/bin/sleep infinity\n' })
 * @example unit({ name: 'cron.service', dropIn: 'quiet', content: '[Service]\nNice=10\n' })
 * @example unit({ name: 'pause.service', absent: true })
 */
export const unit = defineStep({
  kind: 'unit',
  title: (wanted: UnitOptions) => {
    const what = `${wanted.dropIn === undefined ? 'unit' : `drop-in ${wanted.dropIn} of`} ${unitName(wanted.name)}`
    return wanted.absent === true ? `no ${what}` : what
  },
  validate(wanted) {
    if (!/^[A-Za-z0-9:_.@\\-]+$/.test(wanted.name) || wanted.name.startsWith('-')) {
      throw new UsageError(`"${wanted.name}" is not the name of a systemd unit`)
    }
    if (wanted.dropIn !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(wanted.dropIn)) {
      throw new UsageError(`"${wanted.dropIn}" is not the name of a drop-in`)
    }
    if (wanted.absent !== true) refuseHidden(`${wanted.name}: "content"`, [wanted.content])
    if (wanted.absent !== true && !/^\s*\[\w+\]/m.test(wanted.content)) {
      throw new UsageError(`${wanted.name}: a unit file has sections, like [Service]`)
    }
  },
  facts: (wanted) => ({
    at: pathState(fileOf(wanted)),
    // systemd has no state of a template, only of what is made from it.
    ...(isTemplate(wanted) ? {} : { unit: unitState(unitName(wanted.name)) }),
  }),
  diff(wanted, { at, unit }, pending) {
    const unread: Change[] =
      unit?.needsReload === true ? [{ path: 'systemd', from: 'as last read', to: 'read again' }] : []
    const changes = fileChanges(wanted, at)
    if (changes.length === 0 && unread.length > 0 && [...pending].some((path) => path.startsWith(DIRECTORY))) {
      throw new FactUnavailable('an earlier step is about to let systemd read all of its files again')
    }
    return [...changes, ...unread]
  },
  apply(wanted, changes) {
    if (changes.every(({ path }) => path === 'systemd')) return [{ argv: ['systemctl', 'daemon-reload'] }]
    if (wanted.absent === true) {
      const stopped = wanted.dropIn === undefined && !isTemplate(wanted) ? unitName(wanted.name) : ''
      return [{ argv: ['sh', '-c', REMOVE, 'unit', fileOf(wanted), stopped] }]
    }
    return [{ argv: ['sh', '-c', WRITE, 'unit', fileOf(wanted)], stdin: wanted.content }]
  },
  files: (wanted) => [fileOf(wanted)],
  preview: (wanted) => ({ path: fileOf(wanted), content: wanted.absent === true ? '' : wanted.content }),
})

function fileChanges(wanted: UnitOptions, at: PathState): readonly Change[] {
  if (wanted.absent === true) return at.type === 'absent' ? [] : [{ path: 'exists', from: at.type, to: undefined }]
  const digest = sha256(wanted.content)
  const show = (hex: string) => `sha256:${hex.slice(0, 12)}`
  if (at.type === 'absent') return [{ path: 'content', from: undefined, to: show(digest) }]
  if (at.type !== 'file') return [{ path: 'type', from: at.type, to: 'file' }]
  const content = at.digest === digest ? [] : [{ path: 'content', from: show(at.digest ?? ''), to: show(digest) }]
  return [...content, ...accessChanges(at, 0o644, 'root:root')]
}

function fileOf({ name, dropIn }: UnitOptions): string {
  const file = `${DIRECTORY}/${unitName(name)}`
  return dropIn === undefined ? file : `${file}.d/${dropIn}.conf`
}

function isTemplate({ name }: UnitOptions): boolean {
  return unitName(name).includes('@.')
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
