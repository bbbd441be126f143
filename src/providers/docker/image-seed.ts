import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { extract, pack } from 'tar-stream'

/** An image of the host's engine, and the name it gets where it is loaded. */
export interface SavedImage {
  readonly tag: string
  readonly loadedTag: string
}

/** dockerode has it; its types do not. */
interface SavesImages {
  getImages(options: { readonly names: readonly string[]; readonly abortSignal: AbortSignal }): Promise<Readable>
}

interface ManifestEntry {
  readonly Config: string
  readonly RepoTags: readonly string[] | null
}

/**
 * Saves images of the host's engine to one tar that a node's engine loads without a network, under names of the
 * node's own. Returns the list that goes with it: a line an image, `<name> <image id>`.
 */
export async function saveSeed(
  engine: Docker,
  images: readonly SavedImage[],
  file: string,
  signal: AbortSignal,
): Promise<string> {
  const { archive, list } = await saveImages(engine, images, signal)
  await pipeline(archive, createWriteStream(file, { mode: 0o600 }), { signal })
  return list()
}

/** Images of the host's engine as one tar, made while it is read; the list of them is known when that has ended. */
export async function saveImages(
  engine: Docker,
  images: readonly SavedImage[],
  signal: AbortSignal,
): Promise<{ readonly archive: Readable; readonly list: () => string }> {
  const names = images.map(({ tag }) => tag)
  const saved = await (engine as unknown as SavesImages).getImages({ names, abortSignal: signal })
  const archive = pack()
  let list = ''
  const rename = async () => {
    const entries = saved.pipe(extract())
    for await (const entry of entries) {
      const { header } = entry
      // Both name images by the host's tags; engines that load the tar read manifest.json first and need no other.
      if (header.name === 'repositories' || header.name === 'index.json') {
        entry.resume()
      } else if (header.name === 'manifest.json') {
        const renamed = renameImages(JSON.parse(await text(entry)) as readonly ManifestEntry[], images)
        list = renamed.list
        archive.entry({ name: header.name, mtime: new Date(0) }, renamed.manifest)
      } else {
        await pipeline(entry, archive.entry(header))
      }
    }
    archive.finalize()
  }
  rename().catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)))
  })
  return { archive: Readable.from(archive), list: () => list }
}

/** Pure: a saved tar's manifest with the names they get, and the list of them with their image ids. */
export function renameImages(
  manifest: readonly ManifestEntry[],
  images: readonly SavedImage[],
): { readonly manifest: string; readonly list: string } {
  const renamed = manifest.map((entry) => ({
    ...entry,
    RepoTags: images
      .filter(({ tag }) => entry.RepoTags?.some((name) => name === tag || name.endsWith(`/${tag}`)))
      .map(({ loadedTag }) => loadedTag),
  }))
  const lines = renamed.flatMap((entry) => {
    // `<id>.json` from engines up to 24, `blobs/sha256/<id>` from later ones.
    const id = /[0-9a-f]{64}/.exec(entry.Config)?.[0] ?? ''
    return entry.RepoTags.map((name) => `${name} sha256:${id}\n`)
  })
  return { manifest: JSON.stringify(renamed), list: lines.join('') }
}
