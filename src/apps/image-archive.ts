import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { extract, pack } from 'tar-stream'
import { LabError } from '../model/errors.ts'
import type { Descriptor, Manifest, RegistryClient } from './registry-client.ts'

/** What a manifest lists, and what its configuration says. */
interface ManifestContent {
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

/** First entry of an archive: everything of the manifest but its parts. */
const HEAD = 'manifest.json'

/** Pure: the parts of an image, its configuration first. */
export function partsOf(manifest: Pick<Manifest, 'bytes'>): readonly Descriptor[] {
  const { config, layers } = JSON.parse(manifest.bytes) as ManifestContent
  const parts = new Map([config, ...layers].map((part) => [part.digest, part]))
  return [...parts.values()]
}

/**
 * An image of the registry as one tar: the manifest, then its parts as the registry has them. Layers stay compressed, so
 * that neither making an archive nor taking one back costs more than copying.
 */
export function packImage(registry: RegistryClient, repository: string, manifest: Manifest): Readable {
  const archive = pack()
  const fill = async () => {
    archive.entry({ name: HEAD }, JSON.stringify(manifest))
    for (const { digest, size } of partsOf(manifest)) {
      const content = await registry.openBlob(repository, digest)
      await pipeline(content, archive.entry({ name: digest.replace(':', '/'), size }))
    }
    archive.finalize()
  }
  fill().catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)))
  })
  return Readable.from(archive)
}

/** Puts an archived image into the registry; parts that are there are passed over. Returns its manifest, not yet tagged. */
export async function unpackImage(
  registry: RegistryClient,
  repository: string,
  archive: NodeJS.ReadableStream,
  progress: (line: string) => void,
): Promise<Manifest> {
  let manifest: Manifest | undefined
  let done = 0
  const entries = extract()
  const taken = (async () => {
    for await (const entry of entries) {
      const { name, size, type } = entry.header
      if (type !== 'file') entry.resume()
      else if (name.endsWith(HEAD)) manifest = JSON.parse(await text(entry)) as Manifest
      else {
        const digest = name.split('/').slice(-2).join(':')
        if (await registry.hasBlob(repository, digest)) entry.resume()
        else await registry.putBlob(repository, { digest, size }, Readable.from(entry))
        done += size
        progress(`taking the image kept on this machine: ${String(Math.round(done / 1_000_000))} MB`)
      }
    }
  })()
  await Promise.all([pipeline(archive, entries), taken])
  if (manifest === undefined) throw new LabError('IMAGE_CACHE', 'the image kept on this machine is not whole')
  return manifest
}
