import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { draftOf } from './drafts.ts'

/**
 * What must be local to a lab: keys, certificates, run records. The directory is 0700, every file 0600.
 * Everything in it can be made anew through the provider when it is lost.
 */
export interface StateDirectory {
  readonly path: string
  read(name: string): Promise<string | undefined>
  /** Writes a file whole, or not at all. */
  write(name: string, content: string): Promise<void>
  /** The file's content, made by `make` when it is not there. */
  readOrCreate(name: string, make: () => string | Promise<string>): Promise<string>
  /** Names of the files there are, at any depth, sorted; none when there is no directory. */
  list(): Promise<readonly string[]>
  remove(): Promise<void>
}

/** Opens a state directory. Nothing is created before the first write. */
export function openStateDirectory(path: string): StateDirectory {
  const read = async (name: string) => {
    try {
      return await readFile(join(path, name), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }
  const write = async (name: string, content: string) => {
    const file = join(path, name)
    await mkdir(path, { recursive: true, mode: 0o700 })
    await chmod(path, 0o700)
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    const draft = draftOf(file)
    await writeFile(draft, content, { mode: 0o600 })
    await rename(draft, file)
  }
  // Whoever asks for a file that is being made gets that one, not a second.
  const making = new Map<string, Promise<string>>()
  const create = async (name: string, make: () => string | Promise<string>) => {
    const present = await read(name)
    if (present !== undefined) return present
    const content = await make()
    await write(name, content)
    return content
  }
  return {
    path,
    read,
    write,
    readOrCreate: (name, make) => {
      const present = making.get(name)
      if (present !== undefined) return present
      const made = create(name, make).finally(() => making.delete(name))
      making.set(name, made)
      return made
    },
    list: async () => {
      const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
        throw error
      })
      const files = entries.filter((entry) => entry.isFile())
      return files.map((entry) => relative(path, join(entry.parentPath, entry.name))).sort()
    },
    remove: () => rm(path, { recursive: true, force: true }),
  }
}
