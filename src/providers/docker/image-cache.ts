import { createInterface } from 'node:readline'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type Docker from 'dockerode'
import { extract } from 'tar-stream'
import { engineMessage } from '../../model/engine-error.ts'
import { LabError } from '../../model/errors.ts'
import { cacheTag, type ImageCache } from '../../model/image-cache.ts'
import type { LabIdentity } from '../../model/lab-spec.ts'
import { IMAGE_LABEL } from './image-recipe.ts'
import { unlessStatus } from './engine.ts'

/** Labels on images of apps: how they came to be, and the id of the lab that kept them. */
export const ORIGIN_LABEL = 'lab.origin'
export const KEEPER_LABEL = 'lab.kept-by'

/**
 * Archives kept as images of the host's engine, each one layer with the archive's files: they outlive every lab, show in
 * `docker images`, and go with `lab destroy --images`.
 */
export function engineImageCache(engine: () => Promise<Docker>, lab: LabIdentity): ImageCache {
  const find = async (key: string) => {
    const image = (await engine()).getImage(cacheTag(key))
    return (await unlessStatus(image.inspect(), 404)) === undefined ? undefined : image
  }
  return {
    has: async (key) => (await find(key)) !== undefined,
    get: async (key) => {
      const saved = await (await find(key))?.get()
      return saved === undefined ? undefined : layerOf(saved)
    },
    put: async (key, archive, origin) => {
      const [repo, tag] = cacheTag(key).split(':')
      try {
        const options = {
          repo,
          tag,
          changes: `LABEL ${IMAGE_LABEL}=app ${ORIGIN_LABEL}=${origin} ${KEEPER_LABEL}=${lab.id}`,
        }
        await failWithReport(await (await engine()).importImage(archive, options))
      } catch (error) {
        throw new LabError('IMAGE_CACHE', `the image was not kept on this machine: ${engineMessage(error)}`, {
          where: cacheTag(key),
          cause: error,
        })
      }
    },
  }
}

/** The one layer in what `docker save` writes: a tar in a tar. What else is in there is JSON, and small. */
function layerOf(saved: NodeJS.ReadableStream): NodeJS.ReadableStream {
  const layer = new PassThrough()
  const entries = extract()
  const find = async () => {
    for await (const entry of entries) {
      const { name, type } = entry.header
      const mayBe = type === 'file' && (name.endsWith('/layer.tar') || name.startsWith('blobs/sha256/'))
      if (!mayBe || !(await copyUnlessJson(Readable.from(entry), layer))) entry.resume()
    }
    layer.end()
  }
  Promise.all([pipeline(saved, entries), find()]).catch((error: unknown) => {
    layer.destroy(error instanceof Error ? error : new Error(String(error)))
  })
  return layer
}

/** Copies an entry, but one that begins as JSON does. Returns whether it did. */
async function copyUnlessJson(entry: Readable, to: PassThrough): Promise<boolean> {
  let isLayer: boolean | undefined
  for await (const chunk of entry) {
    isLayer ??= (chunk as Buffer)[0] !== 0x7b
    if (isLayer && !to.write(chunk)) await new Promise((resolve) => to.once('drain', resolve))
  }
  return isLayer ?? false
}

/** An engine that fails half-way says so in the last line of an answer that began as a success. */
async function failWithReport(answer: NodeJS.ReadableStream): Promise<void> {
  for await (const line of createInterface({ input: answer })) {
    const { error } = (line === '' ? {} : JSON.parse(line)) as { readonly error?: string }
    if (error !== undefined) throw new Error(error)
  }
}
