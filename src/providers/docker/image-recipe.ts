import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { lstat, readdir, readFile, stat } from 'node:fs/promises'
import { arch } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { pack } from 'tar-stream'
import { LabError } from '../../model/errors.ts'
import { PACKAGES } from '../../model/packages.ts'

/** The images lab makes, in the order they build on one another. */
export const IMAGES = ['base', 'packages', 'edge', 'node'] as const
export type ImageName = (typeof IMAGES)[number]

/** Label on every image lab made; its value is the image's name. */
export const IMAGE_LABEL = 'lab.image'

/** Tags of the images as the recipes are now. A changed recipe gives a new tag, and so a new image. */
export type ImageTags = Readonly<Record<ImageName, string>>

/** A file that goes into a build besides those of the recipe. */
export interface ExtraFile {
  readonly name: string
  readonly path: string
}

/** What each image is built upon. */
const BUILT_UPON: Readonly<Record<ImageName, readonly ImageName[]>> = {
  base: [],
  packages: ['base'],
  edge: ['base'],
  node: ['packages', 'edge'],
}

/** Reads the recipes in `images/` and names what they would give. */
export async function imageTags(directory = recipesDirectory()): Promise<ImageTags> {
  const digests: Partial<Record<ImageName, string>> = {}
  const tags: Partial<Record<ImageName, string>> = {}
  for (const name of IMAGES) {
    const hash = createHash('sha256').update(`${name} ${arch()}\n`)
    for (const below of BUILT_UPON[name]) hash.update(`${digests[below] ?? ''}\n`)
    if (name === 'packages') hash.update(packageList())
    for (const file of await recipeFiles(join(directory, name))) {
      hash.update(`${file.name} ${file.mode.toString(8)}\n`).update(await readFile(file.path))
    }
    const digest = hash.digest('hex').slice(0, 12)
    digests[name] = digest
    tags[name] = `lab-${name}:${digest}`
  }
  return tags as ImageTags
}

/** Every package a node has installed from the start, for `apt-get install`. */
export function packageList(): string {
  return [...new Set<string>(Object.values(PACKAGES).flat())].sort().join(' ')
}

/** The build context of an image, as the engine takes it. Extra files are streamed in from where they are. */
export async function buildContext(name: ImageName, extra: readonly ExtraFile[] = []): Promise<Readable> {
  const archive = pack()
  const files = await recipeFiles(join(recipesDirectory(), name))
  const write = async () => {
    for (const file of files) {
      archive.entry({ name: file.name, mode: file.mode, mtime: new Date(0) }, await readFile(file.path))
    }
    for (const { name: entryName, path } of extra) {
      const { size } = await stat(path)
      await pipeline(createReadStream(path), archive.entry({ name: entryName, size, mode: 0o644, mtime: new Date(0) }))
    }
    archive.finalize()
  }
  write().catch((error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))))
  return Readable.from(archive, { objectMode: false })
}

/** The checkout's `images/`: beside this file's sources, or beside the compiled ones. */
function recipesDirectory(): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    const images = join(directory, 'images')
    if (existsSync(join(images, 'node', 'Dockerfile'))) return images
    const parent = dirname(directory)
    if (parent === directory) {
      throw new LabError('INSTALLATION', 'the recipes of the node images are missing', {
        where: dirname(fileURLToPath(import.meta.url)),
        hint: 'run lab from its own checkout; `images/` is part of it',
      })
    }
    directory = parent
  }
}

interface RecipeFile {
  readonly name: string
  readonly path: string
  readonly mode: number
}

/** The files of a recipe in a fixed order. Modes keep only whether a file is executable: a checkout's umask is chance. */
async function recipeFiles(directory: string): Promise<readonly RecipeFile[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name)
        const { mode } = await lstat(path)
        return { name: relative(directory, path), path, mode: (mode & 0o100) === 0 ? 0o644 : 0o755 }
      }),
  )
  return files.sort((a, b) => (a.name < b.name ? -1 : 1))
}
