import { readdir, stat } from 'node:fs/promises'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { UsageError } from '../model/errors.ts'
import { checkName, unknownName } from '../model/names.ts'

/** A directory with a Compose file in it. */
export interface AppDirectory {
  /** Absolute. */
  readonly directory: string
  /** What the directory is called; the app's name unless its file says another. */
  readonly name: string
  /** Asked for by path: the file's own `name:` may differ from the directory's. */
  readonly byPath: boolean
}

/** Where apps are looked for. */
export interface AppPlaces {
  /** What a relative path is relative to. */
  readonly workingDirectory: string
  /** Directories of apps, nearest first: the lab's own, then those that come with lab. */
  readonly shelves: readonly string[]
}

/** Names a Compose file may have, and as a template. The first one found counts, as with `docker compose`. */
const COMPOSE_NAMES: readonly string[] = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml']

/**
 * The app a user means: `nodeapp` is a directory of one of the shelves, `./nodeapp` or `/srv/nodeapp` (anything with a
 * slash, or a dot) a path. Throws a `UsageError` with the nearest name, or saying what is missing at the path.
 */
export async function findApp(typed: string, places: AppPlaces): Promise<AppDirectory> {
  if (isPath(typed)) {
    const directory = resolve(places.workingDirectory, typed)
    if (!(await isDirectory(directory))) {
      throw new UsageError(`there is no directory ${typed}`, { where: directory }, 'NO_SUCH_APP')
    }
    await requireComposeFile(directory)
    return { directory, name: checkName('app', basename(directory)), byPath: true }
  }
  for (const shelf of places.shelves) {
    const directory = join(shelf, typed)
    if (typed !== '' && (await isDirectory(directory))) {
      await requireComposeFile(directory)
      return { directory, name: checkName('app', typed), byPath: false }
    }
  }
  throw unknownName('app', typed, await appNames(places.shelves))
}

/** Names of all apps on the shelves, sorted. */
async function appNames(shelves: readonly string[]): Promise<readonly string[]> {
  const names = await Promise.all(
    shelves.map(async (shelf) => {
      const entries = await entriesOf(shelf)
      const found = await Promise.all(
        entries.map(async (name) => ((await composeFileIn(join(shelf, name))) === undefined ? [] : [name])),
      )
      return found.flat()
    }),
  )
  return [...new Set(names.flat())].sort()
}

/** True for the name of a Compose template: the app's own main file, not one of its other templates. */
export function isComposeTemplate(name: string): boolean {
  return COMPOSE_NAMES.some((known) => name === `${known}.hbs`)
}

async function requireComposeFile(directory: string): Promise<void> {
  if ((await composeFileIn(directory)) !== undefined) return
  throw new UsageError(
    'there is no Compose file in it',
    { where: directory, hint: 'an app is a directory with compose.yml, or compose.yml.hbs and params.yml' },
    'NO_SUCH_APP',
  )
}

function isPath(typed: string): boolean {
  return isAbsolute(typed) || typed.includes('/') || typed === '.' || typed === '..'
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}

async function entriesOf(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch {
    // No such directory, or one we may not read: nothing to find in it.
    return []
  }
}

/** Name of the Compose file of a directory, or of its template; undefined when there is none. */
export async function composeFileIn(directory: string): Promise<string | undefined> {
  const entries = await entriesOf(directory)
  return COMPOSE_NAMES.flatMap((name) => [name, `${name}.hbs`]).find((name) => entries.includes(name))
}
