import { basename, dirname } from 'node:path/posix'
import { UsageError } from '../model/errors.ts'
import { unknownName } from '../model/names.ts'

/** One end of a copy: a path on this machine, on a node, or in a container of a service. */
export type CopyEnd =
  | { readonly kind: 'local'; readonly path: string; readonly shown: string }
  | { readonly kind: 'node' | 'service'; readonly name: string; readonly path: string; readonly shown: string }

/** What is at a path. */
export type PathKind = 'file' | 'directory' | 'missing'

/** Where a copy is to be. */
export interface Landing {
  /** A directory that exists. */
  readonly directory: string
  /** What it is called there; undefined: what it was called before. Empty: only what is in it, without itself. */
  readonly name: string | undefined
}

/**
 * Pure: `node1:/etc/hosts`, `mongo:/data/db`, or a local path. What is before the first colon must be a node or a
 * service, unless there is a slash in it: `./odd:name` is a local file.
 */
export function parseEnd(text: string, nodes: readonly string[], services: readonly string[]): CopyEnd {
  const colon = text.indexOf(':')
  if (colon === -1 || text.slice(0, colon).includes('/')) {
    if (text === '') throw new UsageError('a path is empty')
    return { kind: 'local', path: text, shown: text }
  }
  const name = text.slice(0, colon)
  const path = text.slice(colon + 1)
  // A node's relative paths start at root's home, as with scp; a container has no home.
  if (nodes.includes(name)) return { kind: 'node', name, path: path === '' ? '.' : path, shown: text }
  if (services.includes(name)) {
    return { kind: 'service', name, path: path.startsWith('/') ? path : `/${path}`, shown: text }
  }
  throw unknownName('node or service', name, [...nodes, ...services])
}

/**
 * Pure: where a copy lands, by the rules of `cp -r`: inside a directory that is there, else under the new name. `dir/.`
 * means what is in the directory. Throws a `UsageError` where `cp` would refuse.
 */
export function landing(
  from: { readonly path: string; readonly kind: PathKind; readonly shown: string },
  to: { readonly path: string; readonly kind: PathKind; readonly shown: string },
  parent: PathKind,
): Landing {
  if (from.kind === 'missing') throw new UsageError('there is nothing to copy', { where: from.shown })
  const contents = from.kind === 'directory' && (from.path === '.' || from.path.endsWith('/.'))
  if (to.kind === 'directory') return { directory: to.path, name: contents ? '' : ownName(from.path) }
  if (to.kind === 'file' && from.kind === 'directory') {
    throw new UsageError('a directory cannot take the place of a file', { where: to.shown })
  }
  const name = ownName(to.path)
  if (name === undefined || parent !== 'directory' || (to.path.endsWith('/') && from.kind === 'file')) {
    throw new UsageError('there is no such directory to copy to', { where: to.shown })
  }
  return { directory: dirname(to.path), name }
}

/** The last part of a path; undefined for one that ends in `.` or `..`, or is the root. */
function ownName(path: string): string | undefined {
  const name = basename(path)
  return name === '' || name === '.' || name === '..' ? undefined : name
}
