import { chmod, mkdir, readdir, readFile, realpath, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { findProduct, type Product } from '../config/product.ts'
import { UsageError } from '../model/errors.ts'
import { refreshEditorTypes } from './editor-types.ts'

/** What became of a new working directory. */
export interface Initialized {
  readonly directory: string
  /** Files that were written, by their path in it. */
  readonly written: readonly string[]
  /** Files that were there already and are as they were. */
  readonly kept: readonly string[]
}

/**
 * Makes a directory in which `lab up`, `lab deploy` and `lab run greet.ts` work as they are: files that are missing are
 * written, none is ever overwritten. Throws `UsageError` where there can be no such directory.
 */
export async function initLab(target: string, product: Product = findProduct()): Promise<Initialized> {
  const there = await stat(target).catch(() => undefined)
  if (there !== undefined && !there.isDirectory())
    throw new UsageError(`${target} is a file`, { hint: 'lab init ANOTHER-DIRECTORY' })
  await mkdir(target, { recursive: true })
  const directory = await realpath(target)
  const written: string[] = []
  const kept: string[] = []
  for (const { name, content, mode } of await starterFiles(product)) {
    const path = join(directory, name)
    await mkdir(dirname(path), { recursive: true })
    const isNew = await writeNew(path, content)
    if (isNew) await chmod(path, mode)
    ;(isNew ? written : kept).push(name)
  }
  await refreshEditorTypes(directory, product)
  return { directory, written, kept }
}

interface StarterFile {
  readonly name: string
  readonly content: Buffer
  readonly mode: number
}

async function starterFiles({ directory }: Product): Promise<readonly StarterFile[]> {
  const root = join(directory, 'starter')
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const read = async (path: string, name: string): Promise<StarterFile> => ({
    name,
    content: await readFile(path),
    mode: 0o644,
  })
  return Promise.all([
    // Under its own name it would count in lab's own checkout.
    ...files.sort().map((path) => read(path, relative(root, path).replace(/^gitignore$/, '.gitignore'))),
    read(join(directory, 'lab.schema.json'), 'lab.schema.json'),
  ])
}

/** False when there is such a file already. */
async function writeNew(path: string, content: Buffer): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
