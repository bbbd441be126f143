import { createHash } from 'node:crypto'
import { accessChanges, checkMode, checkOwner, octal, type Owner } from '../facts/ownership.ts'
import { pathState, REMOVED } from '../facts/path.ts'
import { defineStep } from '../model/define-step.ts'
import { holdsHidden } from '../model/hidden-values.ts'
import { checkNodePath } from '../model/node-path.ts'

/** A file with a content, or no file. */
export type FileOptions = FileContent | FileAbsent

/** A file as it has to be. */
export interface FileContent {
  /** Where it is; missing parents are made (0755). */
  readonly path: string
  /** All that is in it. */
  readonly content: string | Uint8Array
  /** @default 0o644, or 0o600 for a secret */
  readonly mode?: number
  /** `user`, `user:group`. @default root:root */
  readonly owner?: Owner
  /** Neither the content nor its digest is ever shown. @default whether a value of `secret()` is in it */
  readonly secret?: boolean
  readonly absent?: false
}

/** A file that must not be there. */
export interface FileAbsent {
  /** Where nothing has to be. */
  readonly path: string
  /** Whatever is there is removed; a directory is an error. */
  readonly absent: true
}

// Atomic: readers see the old file or the new one. A file that is a mount point cannot be replaced, so it is filled. A new
// node writes some forty files: each process less shows in how soon it is up.
const WRITE = `set -eu
directory=\${1%/*}
[ -d "$directory/" ] || (umask 022; mkdir -p -- "$directory")
draft=$directory/.\${1##*/}.lab-new
case $3 in *:*) group=\${3#*:} ;; *) group= ;; esac
umask 077
trap 'rm -f -- "$draft"' EXIT
install -T -m "$2" -o "\${3%%:*}" \${group:+-g "$group"} -- /dev/stdin "$draft"
if mv -fT -- "$draft" "$1" 2>/dev/null; then
  trap - EXIT
else
  [ -f "$1" ] || { mv -fT -- "$draft" "$1"; exit; }
  # Who may not read the new content must not see it come either.
  case $2 in *[4567]) ;; *) chmod 0000 -- "$1" ;; esac
  cat "$draft" >"$1"; chown -- "$3" "$1"; chmod -- "$2" "$1"
fi`

const ACCESS = `set -eu
chown -- "$3" "$1"
chmod -- "$2" "$1"`

// The note left behind lets a service know that it started before the file went away.
const REMOVE = `set -eu
rm -f -- "$1"
mkdir -p -- "${REMOVED}\${1%/*}"
: >"${REMOVED}$1"`

/**
 * A regular file: content, mode and owner; written atomically, missing parent directories made (0755).
 * With `absent: true`, nothing at that path. A secret of this machine comes from `secret({ env: 'APP_TOKEN' })` or
 * `secret({ file: new URL('token', import.meta.url) })`, imported from `lab`: what holds one is a secret file.
 * @example file({ path: '/etc/motd', content: 'hello\n' })
 * @example file({ path: '/etc/app/token', content: process.env['APP_TOKEN'] ?? 'none', secret: true, owner: 'daemon' })
 * @example file({ path: '/etc/former.conf', absent: true })
 * @throws USAGE: the path is not absolute, or mode or owner cannot be.
 * @throws STEP_FAILED: a directory is in its place, or its owner does not exist on the node.
 */
export const file = defineStep({
  kind: 'file',
  title: (wanted: FileOptions) => (wanted.absent === true ? `remove ${wanted.path}` : `write ${wanted.path}`),
  validate(wanted) {
    checkNodePath(wanted.path)
    if (wanted.absent === true) return
    checkOwner(ownerOf(wanted))
    checkMode(modeOf(wanted))
  },
  facts: ({ path }) => ({ at: pathState(path) }),
  diff(wanted, { at }) {
    if (wanted.absent === true) return at.type === 'absent' ? [] : [{ path: 'exists', from: at.type, to: undefined }]
    const digest = sha256(wanted.content)
    const show = (hex: string) => (isSecret(wanted) ? '***' : `sha256:${hex.slice(0, 12)}`)
    if (at.type === 'absent') return [{ path: 'content', from: undefined, to: show(digest) }]
    if (at.type !== 'file') return [{ path: 'type', from: at.type, to: 'file' }]
    const content = at.digest === digest ? [] : [{ path: 'content', from: show(at.digest ?? ''), to: show(digest) }]
    return [...content, ...accessChanges(at, modeOf(wanted), ownerOf(wanted))]
  },
  apply(wanted, changes) {
    if (wanted.absent === true) return [{ argv: ['sh', '-c', REMOVE, 'remove', wanted.path] }]
    const access = [octal(modeOf(wanted)), ownerOf(wanted)]
    const rewrite = changes.some(({ path }) => path === 'content' || path === 'type')
    if (!rewrite) return [{ argv: ['sh', '-c', ACCESS, 'access', wanted.path, ...access] }]
    return [
      {
        argv: ['sh', '-c', WRITE, 'write', wanted.path, ...access],
        stdin: wanted.content,
        ...(isSecret(wanted) && typeof wanted.content === 'string' ? { secrets: [wanted.content] } : {}),
      },
    ]
  },
  selfContained: true,
  files: ({ path }) => [path],
  preview(wanted) {
    if (wanted.absent === true) return { path: wanted.path, content: '', isPublic: true }
    if (isSecret(wanted) || typeof wanted.content !== 'string') return undefined
    return { path: wanted.path, content: wanted.content, isPublic: (modeOf(wanted) & 0o004) !== 0 }
  },
})

/** No file at this path. */
export function absentFile(path: string): ReturnType<typeof file> {
  return file({ path, absent: true })
}

function modeOf(wanted: FileContent): number {
  return wanted.mode ?? (isSecret(wanted) ? 0o600 : 0o644)
}

/** What holds a secret of `secret()` is one. */
function isSecret({ secret, content }: FileContent): boolean {
  return secret ?? holdsHidden(content)
}

function ownerOf(wanted: FileContent): Owner {
  return wanted.owner ?? 'root:root'
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
