import type Docker from 'dockerode'
import { digestTag, type ImageSource } from '../apps/image-source.ts'
import { pushImage, registryLogin } from '../apps/push-image.ts'
import type { Manifest, RegistryClient } from '../apps/registry-client.ts'
import { imageExists } from '../apps/trusted-base.ts'
import { tagAs, takeKept } from '../apps/workshop.ts'
import { isRemoteError } from '../model/engine-error.ts'
import { LabError, toLabError } from '../model/errors.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { openRegistry } from './deploy-images.ts'
import type { OpenLab } from './open-lab.ts'
import type { TaskHandle } from './task.ts'
import { tryEach } from './try-each.ts'

/** An image that services are pinned to, and the lab's registry does not have. */
export interface LostImage {
  /** `registry.lab.local:5000/<repository>@sha256:...` */
  readonly reference: string
  readonly source: ImageSource
}

/** An engine of the lab that holds an image. */
interface Holder {
  readonly node: string
  readonly engine: Docker
}

/**
 * Puts an image back into the lab's registry under the digest it is pinned by: from an engine of the lab that holds it, else
 * from this host's cache. Returns whether it is there again. Where the same content came out under another digest only
 * (another version of the engine compresses otherwise), the next deploy finds that by its tags, and pins it. Throws `LabError`
 * where nobody could push it.
 */
export async function refill(lab: OpenLab, lost: LostImage, task: TaskHandle): Promise<boolean> {
  const { reference, source } = lost
  const registry = openRegistry(lab, await lab.site())
  const [repository = '', digest = ''] = reference.split('@')
  const progress = (line: string) => {
    task.progress(line)
  }
  const pushed: Manifest[] = []
  const isRight = (manifest: Manifest | undefined) => manifest?.digest === digest
  const failures = await tryEach(lab.signal, await holders(lab, reference), async ({ node, engine }) => {
    if (pushed.some(isRight)) return
    try {
      pushed.push(await pushFrom(lab, registry, engine, reference, progress))
    } catch (error) {
      // Another one may do better, whatever this one says.
      throw toLabError(error)
    }
    if (pushed.some(isRight)) task.detail(`from ${node}`)
  })
  let found = pushed.find(isRight)
  if (found === undefined && source.key !== undefined) {
    const shelf = { cache: lab.provider.imageCache, registry }
    found = await takeKept(shelf, source.key, repository, [digestTag(digest)], progress)
    if (isRight(found)) task.detail('kept on this machine')
  }
  found ??= pushed[0]
  const [failure] = failures
  if (found === undefined && failure !== undefined) throw failure
  if (found !== undefined) await addTags(registry, repository, source.tags, found)
  return isRight(found)
}

/** Gives an image the tags it had, unless somebody has given them to another version by now. */
async function addTags(
  registry: RegistryClient,
  repository: string,
  tags: readonly string[],
  manifest: Manifest,
): Promise<void> {
  for (const tag of tags)
    if ((await registry.manifest(repository, tag)) === undefined) await registry.putManifest(repository, tag, manifest)
}

/** Pushes an image of an engine by the name of its digest; returns what the registry made of it. */
async function pushFrom(
  lab: OpenLab,
  registry: RegistryClient,
  engine: Docker,
  reference: string,
  progress: (line: string) => void,
): Promise<Manifest> {
  const auth = registryLogin((await lab.site()).registry.password)
  const [repository = '', digest = ''] = reference.split('@')
  const name = `${repository}:${digestTag(digest)}`
  await tagAs(engine, reference, name)
  const pushed = await pushImage(engine, name, auth, { progress, signal: lab.signal })
  const manifest = await registry.manifest(repository, pushed)
  if (manifest === undefined) throw new LabError('REGISTRY', `the registry lost ${pushed} at once`, { where: name })
  return manifest
}

/** Engines that hold an image, first those that build: what they pushed once they push alike again. */
async function holders(lab: OpenLab, reference: string): Promise<readonly Holder[]> {
  const builders = nodesWithRole(lab.spec, 'build')
  const nodes = [...builders, ...lab.spec.nodes.filter((node) => !builders.includes(node))]
  const found = await Promise.all(
    nodes.map(async ({ name: node }): Promise<readonly Holder[]> => {
      try {
        const engine = await lab.engine(node)
        return (await imageExists(engine, reference)) ? [{ node, engine }] : []
      } catch (error) {
        lab.signal.throwIfAborted()
        // One that does not answer has nothing to give; others may.
        if (!isRemoteError(error)) throw error
        return []
      }
    }),
  )
  return found.flat()
}
