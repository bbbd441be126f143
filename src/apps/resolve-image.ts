import { cacheTag } from '../model/image-cache.ts'
import { LabError } from '../model/errors.ts'
import { buildImage, buildKey, type BuildPlan } from './build-image.ts'
import { builtRepository, mirrorName } from './image-names.ts'
import { findPushed, pushImage } from './registry.ts'
import type { PinnedImage } from './stack-file.ts'
import { imageExists } from './trusted-base.ts'
import { keepOnHost, loadKept, obtainImage, tagAs, type Workshop } from './workshop.ts'

/** What one service wants to run. */
export interface ImageRequest {
  readonly app: string
  readonly service: string
  readonly image: string | undefined
  readonly plan: BuildPlan | undefined
  readonly pullPolicy: string | undefined
  /** Where the service is in the user's file, for errors. */
  readonly where: string
}

/** An image in the lab's registry, and how it came there. */
export interface ResolvedImage extends PinnedImage {
  /** `pulled mongo:7`, `built`, `as pushed before`. */
  readonly story: string
  /** Made or fetched in this run. */
  readonly isNew: boolean
}

/** How to resolve. */
export interface ResolveOptions {
  /** False: what was pushed last. */
  readonly build: boolean
  readonly progress: (line: string) => void
  /** Says something the user should know though nothing failed. */
  readonly notice: (text: string) => void
}

interface Pushed {
  readonly reference: string
  readonly local: string | undefined
  readonly story: string
  readonly isNew: boolean
}

/**
 * Sees to it that a service's image is in the lab's registry, and pins it by digest. An `image` with a `build` is pulled
 * where it can be, else built. Throws `LabError` where it can be neither.
 */
export async function resolveImage(
  shop: Workshop,
  request: ImageRequest,
  options: ResolveOptions,
): Promise<ResolvedImage> {
  const pushed = options.build ? await fromSource(shop, request, options) : await asPushedLast(shop, request, options)
  return { ...pushed, checksWithoutInterval: await checksWithoutInterval(shop, pushed) }
}

async function fromSource(shop: Workshop, request: ImageRequest, options: ResolveOptions): Promise<Pushed> {
  const { image, plan, pullPolicy } = request
  if (plan === undefined) return fromElsewhere(shop, request, options)
  const key = await buildKey(shop, plan)
  const built = plan.build.no_cache === true ? undefined : await builtBefore(shop, request, key, options)
  if (image === undefined || pullPolicy === 'build') return built ?? build(shop, request, plan, key, options)
  // What this very source was built to stays what it is: data may depend on it.
  if (built !== undefined) return { ...built, story: `${built.story} (the build of ${image})` }
  try {
    return await fromElsewhere(shop, request, options)
  } catch (error) {
    if (!(error instanceof LabError) || !['REGISTRY_UNREACHABLE', 'NO_SUCH_IMAGE'].includes(error.code)) throw error
    options.notice(`${request.service}: ${error.message}; building it instead`)
    return build(shop, request, plan, key, options)
  }
}

/** A third-party image, by way of the lab's registry. */
async function fromElsewhere(shop: Workshop, request: ImageRequest, options: ResolveOptions): Promise<Pushed> {
  const { image = '', pullPolicy } = request
  const { repository, tag } = mirrorName(image)
  const name = `${repository}:${tag}`
  const fresh = pullPolicy === 'always'
  const known = fresh ? undefined : await findPushed(shop.engine, name, shop.auth)
  if (known !== undefined) {
    return { reference: `${repository}@${known}`, local: name, story: `${image}, as pushed before`, isNew: false }
  }
  try {
    const local = await obtainImage(shop, image, fresh, options.progress)
    await tagAs(shop.engine, local, name)
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    throw new LabError(error.code, error.message, { where: request.where, hint: error.hint, cause: error })
  }
  const digest = await push(shop, name, options)
  return { reference: `${repository}@${digest}`, local: name, story: `pulled ${image}`, isNew: true }
}

/** What was made of the same source before: in the registry, in the build node's engine, or kept on the host. */
async function builtBefore(
  shop: Workshop,
  request: ImageRequest,
  key: string,
  options: ResolveOptions,
): Promise<Pushed | undefined> {
  const repository = builtRepository(request.app, request.service)
  const known = await findPushed(shop.engine, `${repository}:${key}`, shop.auth)
  if (known !== undefined) {
    return { reference: `${repository}@${known}`, local: cacheTag(key), story: 'built before', isNew: false }
  }
  const isThere = await imageExists(shop.engine, cacheTag(key))
  if (!isThere && !(await loadKept(shop, key, options.progress))) return undefined
  return publish(shop, request, key, isThere ? 'built before' : 'built before, kept on this machine', options)
}

async function build(
  shop: Workshop,
  request: ImageRequest,
  plan: BuildPlan,
  key: string,
  options: ResolveOptions,
): Promise<Pushed> {
  options.progress('building')
  await buildImage(shop, plan, key, options.progress)
  shop.later(() => keepOnHost(shop, cacheTag(key), key))
  return publish(shop, request, key, 'built', options)
}

/** Pushes a built image under its key, and as the latest of its service. */
async function publish(
  shop: Workshop,
  { app, service }: ImageRequest,
  key: string,
  story: string,
  options: ResolveOptions,
): Promise<Pushed> {
  const repository = builtRepository(app, service)
  let digest = ''
  for (const tag of ['latest', key]) {
    await tagAs(shop.engine, cacheTag(key), `${repository}:${tag}`)
    // The key goes last: once it is there, so is everything.
    digest = await push(shop, `${repository}:${tag}`, options)
  }
  return { reference: `${repository}@${digest}`, local: cacheTag(key), story, isNew: true }
}

/** What was pushed last, without looking at the source. */
async function asPushedLast(shop: Workshop, request: ImageRequest, options: ResolveOptions): Promise<Pushed> {
  if (request.plan === undefined) return fromElsewhere(shop, request, options)
  const repository = builtRepository(request.app, request.service)
  const mirror = request.image === undefined ? undefined : mirrorName(request.image)
  const candidates = [
    { repository, tag: 'latest' },
    ...(mirror === undefined || request.pullPolicy === 'build' ? [] : [mirror]),
  ]
  for (const candidate of candidates) {
    const name = `${candidate.repository}:${candidate.tag}`
    const digest = await findPushed(shop.engine, name, shop.auth)
    if (digest === undefined) continue
    return { reference: `${candidate.repository}@${digest}`, local: name, story: 'as pushed last', isNew: false }
  }
  throw new LabError('NEVER_PUSHED', `no image of ${request.service} was ever pushed`, {
    where: request.where,
    hint: `lab deploy ${request.app} builds and pushes one`,
  })
}

function push(shop: Workshop, name: string, { progress }: ResolveOptions): Promise<string> {
  return pushImage(shop.engine, name, shop.auth, { progress, signal: shop.signal })
}

/** Whether the image's own health check leaves the interval to the engine, whose 30 s is long for a lab. */
async function checksWithoutInterval(shop: Workshop, { local }: Pushed): Promise<boolean> {
  if (local === undefined || !(await imageExists(shop.engine, local))) return false
  const { Config } = await shop.engine.getImage(local).inspect()
  const check = (Config as { Healthcheck?: { Test?: readonly string[]; Interval?: number } }).Healthcheck
  return check?.Test !== undefined && check.Test.length > 0 && check.Test[0] !== 'NONE' && (check.Interval ?? 0) === 0
}
