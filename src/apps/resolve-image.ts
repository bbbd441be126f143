import { text } from 'node:stream/consumers'
import { cacheTag } from '../model/image-cache.ts'
import { LabError } from '../model/errors.ts'
import { basesOf, buildImage, buildKeys, type BuildKeys, type BuildPlan } from './build-image.ts'
import { partsOf } from './image-archive.ts'
import { builtRepository, mirrorName, pullKey } from './image-names.ts'
import type { ImageSource } from './image-source.ts'
import { pushImage } from './push-image.ts'
import type { Manifest } from './registry-client.ts'
import type { PinnedImage } from './stack-file.ts'
import { imageExists } from './trusted-base.ts'
import { keepOnHost, pullFromOutside, tagAs, takeKept, type Workshop } from './workshop.ts'

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
  readonly repository: string
  readonly manifest: Manifest
  readonly source: ImageSource
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
  const { repository, manifest, source, story, isNew } = options.build
    ? await fromSource(shop, request, options)
    : await asPushedLast(shop, request, options)
  return {
    reference: `${repository}@${manifest.digest}`,
    checksWithoutInterval: await checksWithoutInterval(shop, repository, manifest),
    source,
    story,
    isNew,
  }
}

async function fromSource(shop: Workshop, request: ImageRequest, options: ResolveOptions): Promise<Pushed> {
  const { image, plan, pullPolicy } = request
  if (plan === undefined) return fromElsewhere(shop, request, options)
  const keys = await buildKeys(shop, plan)
  const built = plan.build.no_cache === true ? undefined : await builtBefore(shop, request, keys, options)
  if (image === undefined || pullPolicy === 'build') return built ?? build(shop, request, plan, keys.own, options)
  // What this very source was built to stays what it is: data may depend on it.
  if (built !== undefined) return { ...built, story: `${built.story} (the build of ${image})` }
  try {
    return await fromElsewhere(shop, request, options)
  } catch (error) {
    if (!(error instanceof LabError) || !['REGISTRY_UNREACHABLE', 'NO_SUCH_IMAGE'].includes(error.code)) throw error
    options.notice(`${request.service}: ${error.message}; building it instead`)
    return build(shop, request, plan, keys.own, options)
  }
}

/** A third-party image, by way of the lab's registry. */
async function fromElsewhere(shop: Workshop, request: ImageRequest, options: ResolveOptions): Promise<Pushed> {
  const { image = '', pullPolicy } = request
  const { repository, tag } = mirrorName(image)
  const source = { tags: [tag], key: pullKey(image) }
  const fresh = pullPolicy === 'always'
  const known = fresh ? undefined : await shop.registry.manifest(repository, tag)
  if (known !== undefined)
    return { repository, manifest: known, source, story: `${image}, as pushed before`, isNew: false }
  const kept = fresh ? undefined : await takeKept(shop, pullKey(image), repository, [tag], options.progress)
  if (kept !== undefined)
    return { repository, manifest: kept, source, story: `${image}, kept on this machine`, isNew: true }
  try {
    if (fresh || !(await imageExists(shop.engine, image))) await pullFromOutside(shop, image, options.progress)
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    throw new LabError(error.code, error.message, { where: request.where, hint: error.hint, cause: error })
  }
  const manifest = await publish(shop, image, repository, [tag], options)
  shop.later(() => keepOnHost(shop, pullKey(image), 'pulled', { repository, manifest }))
  return { repository, manifest, source, story: `pulled ${image}`, isNew: true }
}

/** What was made of the same source before: in the registry, kept on the host, or in the build node's engine. */
async function builtBefore(
  shop: Workshop,
  request: ImageRequest,
  { own: key, bundled }: BuildKeys,
  options: ResolveOptions,
): Promise<Pushed | undefined> {
  const repository = builtRepository(request.app, request.service)
  const source = { tags: [LATEST, key], key }
  const known = await shop.registry.manifest(repository, key)
  if (known !== undefined) {
    // It may be an older one that is wanted again.
    await shop.registry.putManifest(repository, LATEST, known)
    return { repository, manifest: known, source, story: 'built before', isNew: false }
  }
  const kept = await takeKept(shop, key, repository, [LATEST, key], options.progress)
  if (kept !== undefined)
    return { repository, manifest: kept, source, story: 'built before, kept on this machine', isNew: true }
  if (await imageExists(shop.engine, cacheTag(key))) {
    const manifest = await publish(shop, cacheTag(key), repository, [LATEST, key], options)
    return { repository, manifest, source, story: 'built before', isNew: true }
  }
  const brought = await takeKept(shop, bundled, repository, [LATEST, key], options.progress)
  if (brought === undefined) return undefined
  return { repository, manifest: brought, source: { ...source, key: bundled }, story: 'from a bundle', isNew: true }
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
  const repository = builtRepository(request.app, request.service)
  const manifest = await publish(shop, cacheTag(key), repository, [LATEST, key], options)
  shop.later(() => keepOnHost(shop, key, 'built', { repository, manifest }))
  return { repository, manifest, source: { tags: [LATEST, key], key }, story: 'built', isNew: true }
}

/** Pushes an image of the build node's engine under tags of the lab's registry. */
async function publish(
  shop: Workshop,
  local: string,
  repository: string,
  [first = LATEST, ...more]: readonly string[],
  { progress }: ResolveOptions,
): Promise<Manifest> {
  const name = `${repository}:${first}`
  await tagAs(shop.engine, local, name)
  const digest = await pushImage(shop.engine, name, shop.auth, { progress, signal: shop.signal })
  const manifest = await shop.registry.manifest(repository, digest)
  if (manifest === undefined) throw new LabError('REGISTRY', `the registry lost ${digest} at once`, { where: name })
  for (const tag of more) await shop.registry.putManifest(repository, tag, manifest)
  return manifest
}

/** What was pushed last, without looking at the source. */
async function asPushedLast(shop: Workshop, request: ImageRequest, options: ResolveOptions): Promise<Pushed> {
  if (request.plan === undefined) return fromElsewhere(shop, request, options)
  const { image } = request
  const mirror =
    image === undefined || request.pullPolicy === 'build' ? [] : [{ ...mirrorName(image), key: pullKey(image) }]
  const candidates = [
    { repository: builtRepository(request.app, request.service), tag: LATEST, key: undefined },
    ...mirror,
  ]
  for (const { repository, tag, key } of candidates) {
    const manifest = await shop.registry.manifest(repository, tag)
    const source = { tags: [tag], key }
    if (manifest !== undefined) return { repository, manifest, source, story: 'as pushed last', isNew: false }
  }
  throw new LabError('NEVER_PUSHED', `no image of ${request.service} was ever pushed`, {
    where: request.where,
    hint: `lab deploy ${request.app} builds and pushes one`,
  })
}

/** Tag of what was pushed last of a service. */
const LATEST = 'latest'

/** Whether the image's own health check leaves the interval to the engine, whose 30 s is long for a lab. */
async function checksWithoutInterval(shop: Workshop, repository: string, manifest: Manifest): Promise<boolean> {
  const [config] = partsOf(manifest)
  if (config === undefined) return false
  const content = JSON.parse(await text(await shop.registry.openBlob(repository, config.digest))) as {
    readonly config?: { readonly Healthcheck?: { readonly Test?: readonly string[]; readonly Interval?: number } }
  }
  const check = content.config?.Healthcheck
  return check?.Test !== undefined && check.Test.length > 0 && check.Test[0] !== 'NONE' && (check.Interval ?? 0) === 0
}

/** An image of the host's cache, and the name it has in a bundle. */
export interface KeptImage {
  readonly key: string
  readonly bundledKey: string
}

/**
 * The host's copies of what a service runs and of what it is built upon; makes the first where only the lab's registry has
 * it. Throws `IMAGE_CACHE` where neither has.
 */
export async function keptImages(shop: Workshop, request: ImageRequest): Promise<readonly KeptImage[]> {
  const { app, service, image, plan } = request
  const keys = plan === undefined ? undefined : await buildKeys(shop, plan)
  const pulled = image === undefined ? [] : [{ ...mirrorName(image), key: pullKey(image), bundledKey: pullKey(image) }]
  const built =
    keys === undefined
      ? []
      : [{ repository: builtRepository(app, service), tag: keys.own, key: keys.own, bundledKey: keys.bundled }]
  for (const { repository, tag, key, bundledKey } of [...built, ...pulled]) {
    const manifest = await shop.registry.manifest(repository, tag)
    if (manifest === undefined) continue
    await keepOnHost(shop, key, key === keys?.own ? 'built' : 'pulled', { repository, manifest })
    const bases = plan === undefined ? [] : basesOf(plan).map(pullKey)
    const kept = await Promise.all(bases.map(async (base) => ((await shop.cache?.has(base)) === true ? [base] : [])))
    return [{ key, bundledKey }, ...kept.flat().map((base) => ({ key: base, bundledKey: base }))]
  }
  throw new LabError('IMAGE_CACHE', `the image of ${service} is not in the lab's registry`, {
    where: request.where,
    hint: `lab deploy ${app}`,
  })
}
