import { createHash } from 'node:crypto'
import { accessChanges } from '../facts/ownership.ts'
import { pathState } from '../facts/path.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'

/** Who may do what as whom with sudo, or nobody. */
export type SudoersOptions = SudoersPresent | SudoersAbsent

/** Rules that have to hold. */
export interface SudoersPresent {
  /** Names the file in /etc/sudoers.d that keeps them: letters, digits, _ and -. */
  readonly name: string
  /** Lines as in sudoers(5). */
  readonly rules: readonly string[]
  readonly absent?: false
}

/** Rules that must not hold. */
export interface SudoersAbsent {
  readonly name: string
  readonly absent: true
}

// A mistake in any of its files makes sudo refuse everything, so a draft is looked at first. sudo passes over names with
// a dot in them.
const APPLY = `set -eu
command -v visudo >/dev/null || { echo 'visudo is not there: install sudo' >&2; exit 1; }
draft=/etc/sudoers.d/.$1.lab-new
umask 0227
rm -f -- "$draft"
trap 'rm -f -- "$draft"' EXIT
cat >"$draft"
chown root:root -- "$draft"
chmod 0440 -- "$draft"
visudo -c -f "$draft" >&2
mv -fT -- "$draft" "/etc/sudoers.d/$1"`

/**
 * Rules of sudo, in a file of their own; visudo looks at them before they are put in place, and what it refuses is an
 * error that changes nothing. sudo has to be installed.
 * @example
 * apt({ packages: ['sudo'] })
 * sudoers({ name: 'backup', rules: ['backup ALL=(root) NOPASSWD: /usr/bin/sync'] })
 */
export const sudoers = defineStep({
  kind: 'sudoers',
  title: ({ name, absent }: SudoersOptions) => `${absent === true ? 'no ' : ''}sudo rules ${name}`,
  validate(wanted) {
    const { name } = wanted
    if (!/^[A-Za-z0-9_-]+$/.test(name)) {
      throw new UsageError(
        `"${name}" is not a name for sudo rules: use letters, digits, _ and - (sudo passes over others)`,
      )
    }
    if (wanted.absent === true) return
    if (wanted.rules.length === 0) throw new UsageError(`sudo rules ${name}: there are none; say absent: true`)
    if (wanted.rules.some((rule) => rule.trim() === '' || /[\n\r\0]/.test(rule))) {
      throw new UsageError(`sudo rules ${name}: a rule is one line`)
    }
  },
  facts: ({ name }) => ({ at: pathState(fileOf(name)) }),
  diff(wanted, { at }) {
    if (wanted.absent === true) return at.type === 'absent' ? [] : [{ path: 'exists', from: at.type, to: undefined }]
    const digest = createHash('sha256').update(contentOf(wanted)).digest('hex')
    if (at.type === 'file' && at.digest === digest) return accessChanges(at, 0o440, 'root:root')
    return [{ path: 'rules', from: at.type === 'absent' ? undefined : 'others', to: wanted.rules.join('; ') }]
  },
  apply(wanted) {
    if (wanted.absent === true) return [{ argv: ['rm', '-f', '--', fileOf(wanted.name)] }]
    return [{ argv: ['sh', '-c', APPLY, 'sudoers', wanted.name], stdin: contentOf(wanted) }]
  },
  files: ({ name }) => [fileOf(name)],
  preview: (wanted) => ({
    path: fileOf(wanted.name),
    content: wanted.absent === true ? '' : contentOf(wanted),
  }),
})

function fileOf(name: string): string {
  return `/etc/sudoers.d/${name}`
}

function contentOf({ rules }: SudoersPresent): string {
  return rules.map((rule) => `${rule}\n`).join('')
}
