import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { extract, pack } from 'tar-stream'

/** An image of the host's engine under the name it gets in a node. */
export interface SeedImage {
  readonly tag: string
  readonly nodeTag: string
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
  images: readonly SeedImage[],
  file: string,
  signal: AbortSignal,
): Promise<string> {
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
  await Promise.all([
    rename().catch((error: unknown) => {
      archive.destroy(error instanceof Error ? error : new Error(String(error)))
      throw error
    }),
    pipeline(archive, createWriteStream(file, { mode: 0o600 }), { signal }),
  ])
  return list
}

/** Pure: a saved tar's manifest with the nodes' names, and the list of them with their image ids. */
export function renameImages(
  manifest: readonly ManifestEntry[],
  images: readonly SeedImage[],
): { readonly manifest: string; readonly list: string } {
  const renamed = manifest.map((entry) => ({
    ...entry,
    RepoTags: images
      .filter(({ tag }) => entry.RepoTags?.some((name) => name === tag || name.endsWith(`/${tag}`)))
      .map(({ nodeTag }) => nodeTag),
  }))
  const lines = renamed.flatMap((entry) => {
    // `<id>.json` from engines up to 24, `blobs/sha256/<id>` from later ones.
    const id = /[0-9a-f]{64}/.exec(entry.Config)?.[0] ?? ''
    return entry.RepoTags.map((name) => `${name} sha256:${id}\n`)
  })
  return { manifest: JSON.stringify(renamed), list: lines.join('') }
}
