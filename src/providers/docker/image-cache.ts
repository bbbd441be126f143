import { createInterface } from 'node:readline'
import type Docker from 'dockerode'
import { engineMessage } from '../../model/engine-error.ts'
import { LabError } from '../../model/errors.ts'
import { cacheTag, type ImageCache } from '../../model/image-cache.ts'
import { unlessStatus } from './engine.ts'

/** Images kept in the host's engine: they outlive every lab, until `lab destroy --images`. */
export function engineImageCache(engine: () => Promise<Docker>): ImageCache {
  const find = async (key: string) => {
    const image = (await engine()).getImage(cacheTag(key))
    return (await unlessStatus(image.inspect(), 404)) === undefined ? undefined : image
  }
  return {
    has: async (key) => (await find(key)) !== undefined,
    get: async (key) => (await find(key))?.get(),
    put: async (key, archive) => {
      try {
        await failWithReport(await (await engine()).loadImage(archive))
      } catch (error) {
        throw new LabError('IMAGE_CACHE', `the image was not kept on this machine: ${engineMessage(error)}`, {
          where: cacheTag(key),
          cause: error,
        })
      }
    },
  }
}

/** An engine that fails half-way says so in the last line of an answer that began as a success. */
async function failWithReport(answer: NodeJS.ReadableStream): Promise<void> {
  for await (const line of createInterface({ input: answer })) {
    const { error } = (line === '' ? {} : JSON.parse(line)) as { readonly error?: string }
    if (error !== undefined) throw new Error(error)
  }
}
