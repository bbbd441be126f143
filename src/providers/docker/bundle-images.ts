import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { engineMessage } from '../../model/engine-error.ts'
import { LabError } from '../../model/errors.ts'
import { cacheTag } from '../../model/image-cache.ts'
import type { Progress } from '../../model/provider.ts'
import { engineAddress, openEngine, unlessStatus } from './engine.ts'
import { answers, noEngine } from './host-engine.ts'
import { followEngine } from './image-build.ts'
import { IMAGES, imageTags } from './image-recipe.ts'
import { saveImages } from './image-seed.ts'

/** Images for a bundle: lab's own, as its recipes are now, and those of apps under the names they get in it. */
export async function packImages(
  apps: readonly { readonly key: string; readonly bundledKey: string }[],
  signal: AbortSignal,
): Promise<{ readonly archive: Readable; readonly count: number; readonly bytes: number }> {
  const engine = await hostEngine()
  const tags = await imageTags()
  const wanted = [
    ...IMAGES.map((name) => ({ tag: tags[name], loadedTag: tags[name] })),
    ...apps.map(({ key, bundledKey }) => ({ tag: cacheTag(key), loadedTag: cacheTag(bundledKey) })),
  ]
  const sizes = await Promise.all(
    wanted.map(async ({ tag }) => (await unlessStatus(engine.getImage(tag).inspect(), 404))?.Size),
  )
  // The node image needs no other to start from; what it was made of may have been removed.
  const images = wanted.filter((_, index) => sizes[index] !== undefined)
  if (!images.some(({ tag }) => tag === tags.node))
    throw new LabError('NO_SUCH_IMAGE', `the image ${tags.node} is not there`, { where: tags.node, hint: 'lab up' })
  const { archive } = await saveImages(engine, images, signal)
  // What the node image is built upon is in it already.
  const bytes = wanted.reduce((sum, { tag }, index) => {
    return tag === tags.base || tag === tags.packages || tag === tags.edge ? sum : sum + (sizes[index] ?? 0)
  }, 0)
  return { archive, count: images.length, bytes }
}

/** Loads images of a bundle into this host's engine; returns their names. */
export async function loadImages(
  archive: Readable,
  progress: Progress,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const engine = await hostEngine()
  const loaded: string[] = []
  try {
    const answer = await engine.loadImage(archive, { quiet: true, abortSignal: signal } as { quiet: boolean })
    await followEngine(engine, answer, (line) => {
      progress(line)
      const name = /^Loaded image: (\S+)/.exec(line)?.[1]
      if (name !== undefined) loaded.push(name)
    })
  } catch (error) {
    signal.throwIfAborted()
    throw new LabError('IMAGE_LOAD', `the engine could not load the images: ${engineMessage(error)}`, {
      where: 'docker load',
      hint: 'look for room on its disk (docker system df), then run this again',
      cause: error,
    })
  }
  return loaded
}

/** This host's engine. Throws `NO_ENGINE` where none answers: without a network none can be installed either. */
async function hostEngine(): Promise<Docker> {
  const address = await engineAddress()
  const engine = openEngine(address)
  if (!(await answers(engine, address))) throw noEngine(address)
  return engine
}
