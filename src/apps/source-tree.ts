import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Pack } from 'tar-stream'
import { pack } from 'tar-stream'
import { parseIgnore, type IgnoreRules } from './ignore.ts'

/** One file, directory or symbolic link of an app. */
export interface SourceEntry {
  /** Absolute path on this machine. */
  readonly local: string
  readonly type: 'file' | 'directory' | 'symlink'
  /** Permission bits. */
  readonly mode: number
  readonly size: number
  readonly mtime: Date
  /** Where a link leads. */
  readonly target: string | undefined
  /** What a file holds, instead of what is on disk: a rendered template. */
  readonly content?: string
}

/** What else decides what a directory holds. */
export interface ContextOptions {
  /** Directories that never leave this machine. */
  readonly exclude: readonly string[]
  /** Files that come from templates, by the path they are to have; the templates are not sent. */
  readonly rendered: ReadonlyMap<string, string>
}

/** What a directory holds, without what its `.dockerignore` leaves out, in a fixed order. */
export async function readContext(
  directory: string,
  dockerfile: string | undefined,
  options: ContextOptions,
): Promise<readonly SourceEntry[]> {
  const rules = await ignoreRules(directory, dockerfile)
  const exclude = [...options.exclude, ...[...options.rendered.keys()].flatMap((path) => [path, `${path}.hbs`])]
  const rendered = [...options.rendered].filter(([path]) => {
    const below = relative(directory, path)
    return !below.startsWith('..') && !rules.isIgnored(below)
  })
  return [
    ...(await walk(directory, '', rules, exclude)),
    ...rendered.map(([path, content]) => contentEntry(path, content)),
  ]
}

/** A file that holds a text, whatever is on disk. */
export function contentEntry(path: string, content: string): SourceEntry {
  return { local: path, type: 'file', mode: 0o644, size: 0, mtime: new Date(0), target: undefined, content }
}

/** One file by its path; undefined when it is not there. */
export async function readEntry(path: string): Promise<SourceEntry | undefined> {
  try {
    const stats = await lstat(path)
    const type = stats.isSymbolicLink()
      ? 'symlink'
      : stats.isDirectory()
        ? 'directory'
        : stats.isFile()
          ? 'file'
          : undefined
    if (type === undefined) return undefined
    return {
      local: path,
      type,
      mode: stats.mode & 0o777,
      size: type === 'file' ? stats.size : 0,
      mtime: stats.mtime,
      target: type === 'symlink' ? await readlink(path) : undefined,
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Digest of an entry: its kind, permissions and content, not its times. */
async function digestEntry(entry: SourceEntry): Promise<string> {
  const hash = createHash('sha256').update(`${entry.type} ${entry.mode.toString(8)} ${entry.target ?? ''}\0`)
  if (entry.content !== undefined) hash.update(entry.content)
  else if (entry.type === 'file') {
    for await (const chunk of createReadStream(entry.local)) hash.update(chunk as Buffer)
  }
  return hash.digest('hex')
}

/** Digest of entries under the names they are to have. */
export async function digestEntries(
  entries: readonly SourceEntry[],
  nameOf: (entry: SourceEntry) => string,
): Promise<string> {
  const hash = createHash('sha256')
  const lines: string[] = []
  for (const entry of entries) lines.push(`${nameOf(entry)}\0${await digestEntry(entry)}\n`)
  return hash.update(lines.sort().join('')).digest('hex')
}

/** A tar of entries under the names they are to have, made while it is read. */
export function packEntries(entries: readonly SourceEntry[], nameOf: (entry: SourceEntry) => string): Pack {
  const archive = pack()
  const fill = async () => {
    for (const entry of entries) {
      const header = { name: nameOf(entry), mode: entry.mode, mtime: entry.mtime }
      if (entry.type === 'directory') archive.entry({ ...header, type: 'directory' })
      else if (entry.type === 'symlink') archive.entry({ ...header, type: 'symlink', linkname: entry.target ?? '' })
      else if (entry.content !== undefined) archive.entry(header, entry.content)
      else if (entry.size === 0) archive.entry(header, '')
      else {
        // A file that grows meanwhile is sent as it was when it was looked at.
        const content = createReadStream(entry.local, { end: entry.size - 1 })
        await pipeline(content, archive.entry({ ...header, size: entry.size }))
      }
    }
    archive.finalize()
  }
  fill().catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)))
  })
  return archive
}

async function walk(
  root: string,
  below: string,
  rules: IgnoreRules,
  exclude: readonly string[],
): Promise<readonly SourceEntry[]> {
  const found: SourceEntry[] = []
  const names = (await readdir(join(root, below))).sort()
  for (const name of names) {
    const path = below === '' ? name : `${below}/${name}`
    const local = join(root, path)
    const ignored = rules.isIgnored(path)
    if (exclude.includes(local) || (ignored && !rules.hasExceptions)) continue
    const entry = await readEntry(local)
    if (entry === undefined) continue
    const inside = entry.type === 'directory' ? await walk(root, path, rules, exclude) : []
    // An ignored directory is there all the same when something in it is not ignored.
    if (!ignored || inside.length > 0) found.push(entry, ...inside)
  }
  return found
}

/** `<Dockerfile>.dockerignore` beside the Dockerfile, else `.dockerignore` in the context. */
async function ignoreRules(directory: string, dockerfile: string | undefined): Promise<IgnoreRules> {
  const candidates = [
    ...(dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]),
    join(directory, '.dockerignore'),
  ]
  for (const candidate of candidates) {
    try {
      return parseIgnore(await readFile(candidate, 'utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return parseIgnore('')
}
