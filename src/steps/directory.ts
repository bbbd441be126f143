import { accessChanges, checkMode, checkOwner, octal, type Owner } from '../facts/ownership.ts'
import { pathState } from '../facts/path.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { checkNodePath } from '../model/node-path.ts'

/** A directory, or none. */
export interface DirectoryOptions {
  /** Where it is; missing parents are made (0755). */
  readonly path: string
  /** @default 0o755 */
  readonly mode?: number
  /** `user`, `user:group`. @default root:root */
  readonly owner?: Owner
  /** Removes it with everything in it, without crossing into another filesystem. */
  readonly absent?: boolean
}

const ENSURE = `set -eu
umask 022
mkdir -p -- "$1"
chown -- "$3" "$1"
chmod -- "$2" "$1"`

/**
 * A directory with its mode and owner; missing parents are made (0755).
 * @example directory({ path: '/var/lib/lab/apps', mode: 0o700 })
 */
export const directory = defineStep({
  kind: 'directory',
  title: (wanted: DirectoryOptions) =>
    wanted.absent === true ? `remove directory ${wanted.path}` : `directory ${wanted.path}`,
  validate(wanted) {
    checkNodePath(wanted.path)
    checkOwner(wanted.owner ?? 'root')
    checkMode(wanted.mode ?? 0o755)
    if (wanted.absent === true && wanted.path.split('/').length < 3) {
      throw new UsageError(`${wanted.path} is too near the root to be removed with all that is in it`)
    }
  },
  facts: ({ path }) => ({ at: pathState(path) }),
  diff(wanted, { at }) {
    if (wanted.absent === true) return at.type === 'absent' ? [] : [{ path: 'exists', from: at.type, to: undefined }]
    if (at.type !== 'directory') {
      return [{ path: 'type', from: at.type === 'absent' ? undefined : at.type, to: 'directory' }]
    }
    return accessChanges(at, wanted.mode ?? 0o755, wanted.owner ?? 'root:root')
  },
  apply(wanted) {
    if (wanted.absent === true) return [{ argv: ['rm', '-rf', '--one-file-system', '--', wanted.path] }]
    const access = [octal(wanted.mode ?? 0o755), wanted.owner ?? 'root:root']
    return [{ argv: ['sh', '-c', ENSURE, 'directory', wanted.path, ...access] }]
  },
  selfContained: true,
})
