import { accessChanges, checkMode, checkOwner, wholeMode, type Owner } from '../facts/ownership.ts'
import { pathState } from '../facts/path.ts'
import { subvolumeState } from '../facts/subvolume.ts'
import type { Command } from '../model/command.ts'
import { defineStep } from '../model/define-step.ts'
import { LabError, UsageError } from '../model/errors.ts'
import { checkNodePath } from '../model/node-path.ts'
import { FactUnavailable, type Step } from '../model/step.ts'

/** A btrfs subvolume, or none. */
export interface BtrfsSubvolumeOptions {
  /** Where it is; missing parents are made (0755) as directories. Its filesystem is mounted already. */
  readonly path: string
  /** @default 0o755 */
  readonly mode?: number
  /** `user`, `user:group`. @default root:root */
  readonly owner?: Owner
  /** Whether it refuses writing. Mode and owner are not looked at while it does. @default false */
  readonly readOnly?: boolean
  /** Removed with everything in it. Subvolumes inside it are an error. */
  readonly absent?: boolean
  /** Steps that mount the filesystem: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

const CREATE = `set -eu
umask 022
mkdir -p -- "\${1%/*}/"
[ ! -d "$1" ] || rmdir -- "$1"
btrfs -q subvolume create "$1"
chown -- "$2" "$1"
chmod -- "$3" "$1"`

const ACCESS = `set -eu
chown -- "$2" "$1"
chmod -- "$3" "$1"`

/**
 * A btrfs subvolume with its mode and owner. A directory in its place is replaced only when it is empty. btrfs-progs have
 * to be on the node.
 * @example btrfsSubvolume({ path: '/srv/pool/data', mode: 0o750 })
 * @throws FACT_UNAVAILABLE: btrfs is not installed, or the path is on another filesystem.
 * @throws FOREIGN_DIRECTORY: a directory with things in it, or a file, is in its place; it is left alone.
 * @throws STEP_FAILED: one that is to be removed has subvolumes inside, or is in use.
 */
export const btrfsSubvolume = defineStep({
  kind: 'btrfs-subvolume',
  title: (wanted: BtrfsSubvolumeOptions) =>
    `${wanted.absent === true ? 'remove subvolume' : 'subvolume'} ${wanted.path}`,
  validate({ path, mode, owner }) {
    checkNodePath(path)
    if (path === '/') throw new UsageError('/ is not a subvolume to be made or removed')
    checkOwner(owner ?? 'root')
    checkMode(mode ?? 0o755)
  },
  facts: ({ path }) => ({ volume: subvolumeState(path), at: pathState(path) }),
  diff(wanted, { volume, at }) {
    if (wanted.absent === true) {
      if (volume.type === 'absent' || volume.type === 'elsewhere') return []
      return [{ path: 'type', from: volume.type, to: undefined }]
    }
    if (volume.type === 'elsewhere') throw new FactUnavailable(`${wanted.path} is not on a btrfs filesystem`)
    if (volume.type !== 'subvolume') {
      return [{ path: 'type', from: volume.type === 'absent' ? undefined : volume.type, to: 'subvolume' }]
    }
    const readOnly = wanted.readOnly ?? false
    const writing = readOnly === volume.readOnly ? [] : [{ path: 'read-only', ...fromTo(volume.readOnly, readOnly) }]
    if (readOnly && volume.readOnly) return []
    return [...writing, ...accessChanges(at, wanted.mode ?? 0o755, wanted.owner ?? 'root:root')]
  },
  apply(wanted, changes, { volume }) {
    const { path } = wanted
    if (volume.type === 'other' || (volume.type === 'directory' && (wanted.absent === true || !volume.empty))) {
      throw new LabError('FOREIGN_DIRECTORY', `${path} is no subvolume, and is left alone`, {
        hint: 'move away what is there',
      })
    }
    if (wanted.absent === true) return [{ argv: ['btrfs', '-q', 'subvolume', 'delete', path] }]
    const access = [wanted.owner ?? 'root:root', wholeMode(wanted.mode ?? 0o755)]
    const setReadOnly = (value: boolean): Command => ({
      argv: ['btrfs', 'property', 'set', '-f', '-ts', path, 'ro', String(value)],
    })
    const commands: Command[] = []
    if (volume.type !== 'subvolume') commands.push({ argv: ['sh', '-c', CREATE, 'create', path, ...access] })
    else {
      if (volume.readOnly) commands.push(setReadOnly(false))
      if (changes.some((change) => change.path === 'mode' || change.path === 'owner')) {
        commands.push({ argv: ['sh', '-c', ACCESS, 'access', path, ...access] })
      }
    }
    if (wanted.readOnly === true) commands.push(setReadOnly(true))
    return commands
  },
  after: ({ after }) => after ?? [],
})

function fromTo(from: boolean, to: boolean): { readonly from: string; readonly to: string } {
  return { from: from ? 'yes' : 'no', to: to ? 'yes' : 'no' }
}
