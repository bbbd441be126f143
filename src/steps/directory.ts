import { entries } from '../facts/entries.ts'
import { accessChanges, checkMode, checkOwner, wholeMode, type Owner } from '../facts/ownership.ts'
import { pathState } from '../facts/path.ts'
import { strangers, strangerTests, type TreeAccess } from '../facts/tree.ts'
import type { Command } from '../model/command.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { checkNodePath } from '../model/node-path.ts'
import { FactUnavailable, type Change, type Step } from '../model/step.ts'

/** A directory, or none. */
export interface DirectoryOptions {
  /** Where it is; missing parents are made (0755). */
  readonly path: string
  /** @default 0o755 */
  readonly mode?: number
  /** `user`, `user:group`. @default root:root */
  readonly owner?: Owner
  /** Owner and modes of everything in it, at any depth, but not on other filesystems. */
  readonly recursive?: TreeAccess
  /** Removes what is in it, at any depth, and is named by none of these. */
  readonly purge?: Purge
  /** Removes it with everything in it, without crossing into another filesystem. */
  readonly absent?: boolean
}

/** What stays in a directory that is purged. Directories on the way to what stays do, too. */
export interface Purge {
  /** Steps whose files (`file`, `symlink`, `unit`, ...) stay. */
  readonly keep?: readonly Step[]
  /**
   * Paths from the directory, with `*` and `?` for what is no slash, that stay with all that is in them. One without a
   * slash is a name at any depth.
   */
  readonly except?: readonly string[]
}

const ENSURE = `set -eu
umask 022
mkdir -p -- "$1"
chown -- "$3" "$1"
chmod -- "$2" "$1"`

/** Removed things that are named one by one in a plan. */
const NAMED = 20

/**
 * A directory with its mode and owner; missing parents are made (0755). On demand also the owner and modes of what is in
 * it, and the removal of what nothing names. An owner that does not exist is an error.
 * @example directory({ path: '/srv/app', mode: 0o750, recursive: { owner: 'root:root', fileMode: 0o640 } })
 * @example directory({ path: '/etc/app.d', purge: { except: ['README', '*.local'] } })
 */
export const directory = defineStep({
  kind: 'directory',
  title: (wanted: DirectoryOptions) =>
    wanted.absent === true ? `remove directory ${wanted.path}` : `directory ${wanted.path}`,
  validate,
  facts: (wanted) => ({
    at: pathState(wanted.path),
    ...(wanted.recursive === undefined ? {} : { others: strangers(wanted.path, wanted.recursive) }),
    ...(wanted.purge === undefined ? {} : { inside: entries(wanted.path) }),
  }),
  diff(wanted, { at, others, inside }, pending) {
    if (wanted.absent === true) return at.type === 'absent' ? [] : [{ path: 'exists', from: at.type, to: undefined }]
    if (at.type !== 'directory') {
      return [{ path: 'type', from: at.type === 'absent' ? undefined : at.type, to: 'directory' }]
    }
    const coming = [...pending].find((path) => path.startsWith(`${wanted.path}/`))
    if (wanted.recursive !== undefined && coming !== undefined) {
      throw new FactUnavailable(`${coming} is about to change`)
    }
    const tree = [...(others ?? [])].flatMap(([path, { count, first }]): Change[] => {
      const names =
        count > first.length ? `${first.join(', ')} and ${String(count - first.length)} more` : first.join(', ')
      return count === 0 ? [] : [{ path: `${path} in it`, from: `otherwise: ${names}`, to: 'as wanted' }]
    })
    const removed = purged(wanted, inside ?? [])
    const left = removed.length - NAMED
    return [
      ...accessChanges(at, wanted.mode ?? 0o755, wanted.owner ?? 'root:root'),
      ...tree,
      ...removed.slice(0, NAMED).map((path) => ({ path, from: 'named by nothing', to: undefined })),
      ...(left > 0 ? [{ path: 'more', from: `${String(left)} named by nothing`, to: undefined }] : []),
    ]
  },
  apply(wanted, _, { inside }) {
    const { path, recursive } = wanted
    if (wanted.absent === true) return [{ argv: ['rm', '-rf', '--one-file-system', '--', path] }]
    const access = [wholeMode(wanted.mode ?? 0o755), wanted.owner ?? 'root:root']
    const removed = purged(wanted, inside ?? [])
    const commands: Command[] = [{ argv: ['sh', '-c', ENSURE, 'directory', path, ...access] }]
    if (removed.length > 0) {
      commands.push({
        argv: ['xargs', '-0', '-r', 'rm', '-rf', '--one-file-system', '--'],
        stdin: removed.map((name) => `${path}/${name}\0`).join(''),
      })
    }
    for (const [what, test] of Object.entries(strangerTests(recursive ?? {}))) {
      commands.push({
        argv: ['find', path, '-xdev', '-mindepth', '1', ...test, '-exec', ...mend(what, recursive), '{}', '+'],
      })
    }
    return commands
  },
  selfContained: ({ recursive, purge }) => recursive === undefined && purge === undefined,
})

function validate(wanted: DirectoryOptions): void {
  const { path, recursive = {}, purge } = wanted
  checkNodePath(path)
  checkOwner(wanted.owner ?? 'root')
  checkMode(wanted.mode ?? 0o755)
  if (recursive.owner !== undefined) checkOwner(recursive.owner)
  checkMode(recursive.fileMode ?? 0)
  checkMode(recursive.directoryMode ?? 0)
  const isNearRoot = path.split('/').length < 3
  if (wanted.absent === true && isNearRoot) {
    throw new UsageError(`${path} is too near the root to be removed with all that is in it`)
  }
  if (wanted.recursive === undefined && purge === undefined) return
  if (wanted.absent === true) throw new UsageError(`${path}: what is absent holds nothing`)
  if (isNearRoot) throw new UsageError(`${path} is too near the root for everything in it to be changed`)
  for (const { title, files } of purge?.keep ?? []) {
    if (files.length === 0) throw new UsageError(`${path}: "${title}" names no file; name what stays in except`)
  }
  for (const pattern of purge?.except ?? []) {
    if (pattern === '' || pattern.startsWith('/')) {
      throw new UsageError(`${path}: "${pattern}" is no path from there; leave out the slash at the front`)
    }
  }
}

/** What goes, from there; of a directory that goes whole, only itself. */
function purged({ path, purge }: DirectoryOptions, inside: readonly string[]): readonly string[] {
  if (purge === undefined) return []
  const patterns = (purge.except ?? []).map(patternOf)
  const named = new Set((purge.keep ?? []).flatMap(({ files }) => files))
  const stays = new Set<string>()
  for (const name of inside) {
    const parents = name.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'))
    const isKept =
      named.has(`${path}/${name}`) || parents.some((part) => patterns.some((pattern) => pattern.test(part)))
    if (isKept) for (const part of parents) stays.add(part)
  }
  const gone = inside.filter((name) => !stays.has(name))
  const all = new Set(gone)
  return gone.filter((name) => !name.includes('/') || !all.has(name.slice(0, name.lastIndexOf('/'))))
}

function patternOf(pattern: string): RegExp {
  const text = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
  return new RegExp(pattern.includes('/') ? `^${text}$` : `(^|/)${text}$`, 's')
}

/** Of a link it is the link that gets the owner, never what it points to. */
function mend(what: string, { owner = '', fileMode = 0, directoryMode = 0 }: TreeAccess = {}): readonly string[] {
  if (what === 'owner') return ['chown', '-h', '--', owner]
  return ['chmod', '--', wholeMode(what === 'mode of files' ? fileMode : directoryMode)]
}
