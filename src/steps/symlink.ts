import { pathState } from '../facts/path.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { checkNodePath } from '../model/node-path.ts'

/** A symbolic link. */
export interface SymlinkOptions {
  /** Where the link is; missing parents are made. */
  readonly path: string
  /** What it points to; kept as written, relative or not. It need not exist. */
  readonly target: string
}

const LINK = `set -eu
directory=\${1%/*}
mkdir -p -- "$directory/"
draft=$directory/.\${1##*/}.lab-new
rm -f -- "$draft"
ln -s -- "$2" "$draft"
mv -fT -- "$draft" "$1"`

/**
 * A symbolic link, put in place atomically; it replaces a file, never a directory.
 * @example symlink({ path: '/etc/localtime', target: '/usr/share/zoneinfo/UTC' })
 * @throws USAGE: the path is not absolute, or the target is empty.
 * @throws STEP_FAILED: a directory is in its place.
 */
export const symlink = defineStep({
  kind: 'symlink',
  title: (wanted: SymlinkOptions) => `link ${wanted.path} -> ${wanted.target}`,
  validate({ path, target }) {
    checkNodePath(path)
    if (target === '' || /[\n\0]/.test(target)) throw new UsageError(`${path}: "${target}" is not a target for a link`)
  },
  facts: ({ path }) => ({ at: pathState(path) }),
  diff(wanted, { at }) {
    if (at.type === 'absent') return [{ path: 'target', from: undefined, to: wanted.target }]
    if (at.type !== 'symlink') return [{ path: 'type', from: at.type, to: 'symlink' }]
    return at.target === wanted.target ? [] : [{ path: 'target', from: at.target, to: wanted.target }]
  },
  apply: ({ path, target }) => [{ argv: ['sh', '-c', LINK, 'link', path, target] }],
  selfContained: true,
  files: ({ path }) => [path],
})
