import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import type { Pack } from 'tar-stream'
import { InvalidFileError } from '../model/errors.ts'
import { toProblems } from './compose-file.ts'
import { withoutSyntaxLine } from './dockerfile.ts'
import type { App } from './read-app.ts'
import { contentEntry, digestEntries, packEntries, readContext, readEntry, type SourceEntry } from './source-tree.ts'

/** The files of an app that leave this machine, and where each is to be. */
export interface AppSources {
  /** Directory that all paths are relative to: the app's own, or one above it when the app refers outside. */
  readonly root: string
  /** The app's directory below `root`; empty when it is the root itself. */
  readonly appPath: string
  /** Digest of all of them. */
  readonly digest: string
  /** Digest of one build context, by its directory on this machine. */
  readonly contexts: ReadonlyMap<string, string>
  pack(): Pack
}

/**
 * Gathers what the build node needs to parse and build the app: Compose files, environment files, build contexts without
 * what their `.dockerignore` leaves out. `exclude`: directories that never leave (the lab's keys).
 */
export async function gatherSources(app: App, exclude: readonly string[]): Promise<AppSources> {
  const contexts = new Map<string, readonly SourceEntry[]>()
  const missing: string[] = []
  for (const { directory, dockerfile } of app.contexts) {
    const top = await readEntry(directory)
    if (top?.type !== 'directory') missing.push(directory)
    else {
      // Two images may be built from one directory with rules of their own: what either needs is there.
      const known = contexts.get(directory) ?? []
      const found = [top, ...(await readContext(directory, dockerfile, { exclude, rendered: app.rendered }))]
      const fresh = found.filter((entry) => !known.some(({ local }) => local === entry.local))
      contexts.set(directory, [...known, ...fresh])
    }
  }
  if (missing.length > 0) {
    const findings = app.contexts
      .filter(({ directory }) => missing.includes(directory))
      .map(({ directory, path }) => ({ path, part: 'value' as const, message: `there is no directory ${directory}` }))
    throw new InvalidFileError(toProblems(app.files, findings))
  }
  const paths = [
    ...(app.dotEnv === undefined ? [] : [app.dotEnv]),
    ...app.envFiles,
    ...app.files.filter((file) => !app.mainFiles.includes(file)).map((file) => file.path),
  ]
  const dockerfiles = app.contexts.flatMap(({ dockerfile }) => dockerfile ?? [])
  const files = await Promise.all([...paths.map(readEntry), ...dockerfiles.map((path) => readDockerfile(app, path))])
  const compose = app.mainFiles.map(({ path, text }) => contentEntry(path, text))
  const byPath = new Map<string, SourceEntry>()
  for (const entry of [...contexts.values()].flat()) byPath.set(entry.local, entry)
  for (const entry of files) if (entry !== undefined) byPath.set(entry.local, entry)
  // Last, so that a rendered template stands in for whatever is called the same.
  for (const entry of compose) byPath.set(entry.local, entry)

  const entries = [...byPath.values()].sort((a, b) => (a.local < b.local ? -1 : 1))
  const root = commonDirectory([
    join(app.directory, 'x'),
    ...entries.map((entry) => join(entry.local, entry.type === 'directory' ? 'x' : '')),
  ])
  const nameOf = (entry: SourceEntry) => relative(root, entry.local).split(sep).join('/')
  const named = entries.filter((entry) => nameOf(entry) !== '')
  const digests = new Map<string, string>()
  for (const [directory, found] of contexts) {
    digests.set(directory, await digestEntries(found, (entry) => relative(directory, entry.local)))
  }
  return {
    root,
    appPath: relative(root, app.directory),
    digest: await digestEntries(named, nameOf),
    contexts: digests,
    pack: () => packEntries(named, nameOf),
  }
}

/** A Dockerfile as the build node is to have it: what its syntax line asks for is built in there. */
async function readDockerfile(app: App, path: string): Promise<SourceEntry | undefined> {
  const rendered = app.rendered.get(path)
  const entry = rendered === undefined ? await readEntry(path) : contentEntry(path, rendered)
  if (entry?.type !== 'file') return entry
  const text = rendered ?? (await readFile(path, 'utf8'))
  const content = withoutSyntaxLine(text)
  return content === text ? entry : { ...entry, content }
}

/** What decides how an app runs: equal digests mean that deploying would change nothing. */
export async function digestApp(app: App, sources: AppSources, settings: unknown): Promise<string> {
  const contents = await Promise.all(
    app.contents.map(async (path) => {
      const rendered = app.rendered.get(path)
      return rendered === undefined ? readEntry(path) : contentEntry(path, rendered)
    }),
  )
  const present = contents.filter((entry) => entry !== undefined)
  return createHash('sha256')
    .update(JSON.stringify([app.name, sources.digest, sources.appPath, app.variables, settings]))
    .update(await digestEntries(present, (entry) => entry.local))
    .digest('hex')
    .slice(0, 32)
}

/** The deepest directory that all paths are in. */
function commonDirectory(paths: readonly string[]): string {
  const directories = paths.map((path) => dirname(path).split(sep))
  const shortest = Math.min(...directories.map((parts) => parts.length))
  let same = 0
  while (same < shortest && directories.every((parts) => parts[same] === directories[0]?.[same])) same++
  return join(sep, ...(directories[0] ?? []).slice(0, same))
}
