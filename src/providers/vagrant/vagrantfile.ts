import { existsSync } from 'node:fs'
import { lstat, readlink, rm, symlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LabError } from '../../model/errors.ts'

/** A directory's Vagrantfile: its own, or a link to lab's. */
export interface Vagrantfile {
  /** Makes the link where there is no such file; whether it did. */
  provide(): Promise<boolean>
  /** Takes the link away, and only it. */
  remove(): Promise<void>
}

/** The Vagrantfile of a directory; lab's own, where none is named, is that of the checkout it runs from. */
export function vagrantfileOf(directory: string, origin = ownVagrantfile()): Vagrantfile {
  const file = join(directory, 'Vagrantfile')
  return {
    provide: async () => {
      if ((await linkTarget(file)) !== undefined) return false
      await symlink(origin, file)
      return true
    },
    remove: async () => {
      const target = await linkTarget(file)
      if (target !== undefined && target !== '' && resolve(directory, target) === origin) await rm(file)
    },
  }
}

/** Where a link leads; empty for what is no link, undefined where there is nothing. */
async function linkTarget(file: string): Promise<string | undefined> {
  try {
    return (await lstat(file)).isSymbolicLink() ? await readlink(file) : ''
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The checkout's: above this file's sources, or above the compiled ones. */
function ownVagrantfile(): string {
  const start = dirname(fileURLToPath(import.meta.url))
  for (let directory = start; dirname(directory) !== directory; directory = dirname(directory)) {
    const file = join(directory, 'Vagrantfile')
    if (existsSync(file) && existsSync(join(directory, 'images'))) return file
  }
  throw new LabError('INSTALLATION', 'the Vagrantfile of lab is missing', {
    where: start,
    hint: 'run lab from its own checkout; `Vagrantfile` is part of it',
  })
}
