import { escapeField, mountState, type Mounted } from '../facts/mount-state.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { checkNodePath } from '../model/node-path.ts'
import type { Change } from '../model/step.ts'
import { EDIT_FILE } from '../shell/edit-file.ts'

/** A filesystem at a path, or none. */
export type MountOptions = MountPresent | MountAbsent

/** What has to be mounted, now and after every boot. */
export interface MountPresent {
  /** Where; the directory is made (0755) where it is missing. */
  readonly path: string
  /** `/dev/sdb1`, `UUID=...`, `LABEL=...`, `tmpfs`, `server:/export`, a directory (with option `bind`), an image (`loop`). */
  readonly device: string
  /** Type of the filesystem: `ext4`, `tmpfs`, ...; `none` with `bind`. */
  readonly type: string
  /**
   * As for mount(8). Those that are switches (`ro`, `noexec`, `nosuid`, `nodev`, `noatime`, ...) are compared with what is
   * in force; the others (`size=`, ...) with /etc/fstab. Nothing secret. @default ['defaults']
   */
  readonly options?: readonly string[]
  /** What dump(8) and fsck(8) are told. @default '0 0' */
  readonly passes?: `${number} ${number}`
  readonly absent?: false
}

/** Nothing is mounted there, nor at the next boot. What is in use cannot be unmounted. The directory stays. */
export interface MountAbsent {
  readonly path: string
  readonly absent: true
}

// Mounted first, written down last: a run that was cut off in between finds the line missing and goes through it again.
const MOUNT = `set -eu
${EDIT_FILE}
path=$1 field=$2 device=$3 type=$4 options=$5 action=$6
(umask 022; mkdir -p -- "$path")
case $action in
  replace) while mountpoint -q -- "$path"; do umount -- "$path"; done ;;
  remount) mount -o "remount,$options" -- "$path" ;;
esac
case $action in
  mount | replace) mountpoint -q -- "$path" || mount -t "$type" -o "$options" -- "$device" "$path" ;;
esac
[ -e /etc/fstab ] || (umask 022; : >/etc/fstab)
rewrite() {
  MOUNT=$field awk '/^[ \\t]*#/ || $2 != ENVIRON["MOUNT"]' /etc/fstab
  cat
}
edit_file /etc/fstab rewrite
systemctl daemon-reload`

const UNMOUNT = `set -eu
${EDIT_FILE}
path=$1 field=$2
while mountpoint -q -- "$path"; do umount -- "$path"; done
[ -e /etc/fstab ] || exit 0
rewrite() { MOUNT=$field awk '/^[ \\t]*#/ || $2 != ENVIRON["MOUNT"]' /etc/fstab; }
edit_file /etc/fstab rewrite
systemctl daemon-reload`

/**
 * A filesystem that is mounted at a path, and in /etc/fstab. What is mounted there otherwise is remounted when its
 * options differ, else unmounted first, which is an error while it is in use.
 * @example mount({ path: '/srv/scratch', device: 'tmpfs', type: 'tmpfs', options: ['size=16m', 'nosuid', 'nodev'] })
 * @example mount({ path: '/srv/scratch', absent: true })
 */
export const mount = defineStep({
  kind: 'mount',
  title: (wanted: MountOptions) =>
    wanted.absent === true ? `nothing mounted at ${wanted.path}` : `${wanted.device} mounted at ${wanted.path}`,
  validate(wanted) {
    checkNodePath(wanted.path)
    if (wanted.path === '/') throw new UsageError('the root is mounted by other means')
    if (wanted.absent === true) return
    for (const field of [wanted.device, wanted.type, ...(wanted.options ?? [])]) {
      if (field === '' || /[\n\r\0]/.test(field))
        throw new UsageError(`${wanted.path}: "${field}" is no field of fstab`)
    }
    if (!/^[A-Za-z0-9._-]+$/.test(wanted.type)) throw new UsageError(`"${wanted.type}" is not a type of filesystem`)
    const odd = wanted.options?.find((option) => /[\s,]/.test(option) || option.startsWith('-'))
    if (odd !== undefined) throw new UsageError(`${wanted.path}: "${odd}" is not one option of mount`)
  },
  facts: (wanted) => ({
    at: mountState(
      wanted.path,
      wanted.absent === true ? '' : wanted.device,
      wanted.absent === true ? '' : fstabLine(wanted),
    ),
  }),
  diff(wanted, { at: { mounted, fstab } }): readonly Change[] {
    const kept = [...fstab.equal, ...fstab.others].sort((a, b) => a - b).map(String)
    if (wanted.absent === true) {
      return [
        ...(mounted === undefined ? [] : [{ path: 'mounted', from: mounted.type, to: undefined }]),
        ...(kept.length === 0 ? [] : [{ path: '/etc/fstab', from: `line ${kept.join(', ')}`, to: undefined }]),
      ]
    }
    const noted = fstab.equal.length === 1 && fstab.others.length === 0
    const line = kept.length === 0 ? undefined : `line ${kept.join(', ')}`
    return [
      ...liveChanges(wanted, mounted),
      ...(noted ? [] : [{ path: '/etc/fstab', from: line, to: 'kept for the next boot' }]),
    ]
  },
  apply(wanted, changes, { at: { mounted } }) {
    const field = escapeField(wanted.path)
    if (wanted.absent === true) return [{ argv: ['sh', '-c', UNMOUNT, 'mount', wanted.path, field] }]
    const due = new Set(changes.map(({ path }) => path))
    const other = due.has('type') || due.has('device')
    // An option that shows only in fstab may have changed: it is given to the kernel again.
    const action = mounted === undefined ? 'mount' : other ? 'replace' : isBind(wanted) ? 'keep' : 'remount'
    const { path, device, type } = wanted
    return [
      {
        argv: ['sh', '-c', MOUNT, 'mount', path, field, device, type, optionsOf(wanted).join(','), action],
        stdin: `${fstabLine(wanted)}\n`,
      },
    ]
  },
  edits: true,
  files: () => ['/etc/fstab'],
})

/** Switches of mount(8), and what they are the opposite of. What is not said is not compared. */
const SWITCHES: ReadonlyMap<string, string> = new Map(
  ['exec noexec', 'suid nosuid', 'dev nodev', 'rw ro', 'atime noatime', 'diratime nodiratime', 'async sync'].flatMap(
    (pair) => {
      const [on = '', off = ''] = pair.split(' ')
      return [
        [on, off],
        [off, on],
      ] as [string, string][]
    },
  ),
)

function liveChanges(wanted: MountPresent, mounted: Mounted | undefined): Change[] {
  if (mounted === undefined) return [{ path: 'mounted', from: undefined, to: wanted.type }]
  if (!isBind(wanted) && mounted.type !== wanted.type && wanted.type !== 'auto') {
    return [{ path: 'type', from: mounted.type, to: wanted.type }]
  }
  const comparable = isBind(wanted) || /^\/dev\/|=|:/.test(wanted.device)
  if (comparable && !mounted.isWanted) return [{ path: 'device', from: mounted.source, to: wanted.device }]
  const differing = optionsOf(wanted).filter((option) => !isInForce(option, mounted.options))
  return isBind(wanted) || differing.length === 0
    ? []
    : [
        {
          path: 'options',
          from: differing.map((option) => SWITCHES.get(option) ?? '').join(','),
          to: differing.join(','),
        },
      ]
}

/** The kernel shows one of each pair only: `noexec` but not `exec`. `rw` of a filesystem does not outweigh `ro` of a mount. */
function isInForce(option: string, options: ReadonlySet<string>): boolean {
  const opposite = SWITCHES.get(option)
  if (opposite === undefined) return true
  if (option === 'rw') return !options.has('ro')
  const shown = /^(no.*|ro|sync)$/.test(option)
  return shown ? options.has(option) : !options.has(opposite)
}

function isBind(wanted: MountPresent): boolean {
  return optionsOf(wanted).some((option) => option === 'bind' || option === 'rbind')
}

function optionsOf({ options = [] }: MountPresent): readonly string[] {
  return options.length === 0 ? ['defaults'] : options
}

function fstabLine(wanted: MountPresent): string {
  const { path, device, type, passes = '0 0' } = wanted
  return `${escapeField(device)} ${escapeField(path)} ${type} ${optionsOf(wanted).join(',')} ${passes}`
}
