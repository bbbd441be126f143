import type Docker from 'dockerode'
import { imageNames, isGarbageImage, type EngineImage } from '../apps/image-garbage.ts'
import {
  CLEAN_REGISTRY,
  parseRegistry,
  pinnedDigest,
  PUSHED_MEANWHILE,
  READ_REGISTRY,
  registryGarbage,
  type RegistryContent,
} from '../apps/registry-garbage.ts'
import { engineStatus } from '../model/engine-error.ts'
import { LabError } from '../model/errors.ts'
import type { RemovableGarbage } from '../model/garbage.ts'
import { NODE_PATHS } from '../model/names.ts'
import type { OpenLab } from './open-lab.ts'

const REGISTRY_DIRECTORY = `${NODE_PATHS.state}/registry`
/** Time for the registry's own collection; it reads every manifest it keeps. */
const COLLECT_MS = 600_000
/** Build cache that nothing has asked for in this time. */
const CACHE_HOURS = 7 * 24

interface DiskUse {
  readonly LayersSize: number
  readonly BuildCache:
    | readonly {
        readonly InUse: boolean
        readonly Shared: boolean
        readonly Size: number
        readonly LastUsedAt: string
      }[]
    | null
}

/** Digests of images of the lab's registry that services run or may go back to, or that containers were made from. */
export async function digestsInUse(lab: OpenLab, nodes: readonly string[]): Promise<ReadonlySet<string>> {
  const { engine } = await lab.manager()
  const services = await engine.listServices()
  const specs = services.flatMap((service) => [
    service.Spec,
    (service as { readonly PreviousSpec?: Docker.ServiceSpec }).PreviousSpec,
  ])
  const images = specs.map((spec) => (spec?.TaskTemplate as Docker.ContainerTaskSpec | undefined)?.ContainerSpec?.Image)
  const digests = images.map((image) => pinnedDigest(image ?? ''))
  const ofContainers = await Promise.all(
    nodes.map(async (node) => {
      const { containers, images: all } = await engineContent(lab, node)
      const ids = new Set(containers.map(({ ImageID }) => ImageID))
      return all.filter(({ Id }) => ids.has(Id)).flatMap((image) => imageNames(image).map(pinnedDigest))
    }),
  )
  return new Set([...digests, ...ofContainers.flat()].filter((digest) => digest !== undefined))
}

/** What the registry of the lab has, and what of it can go; nothing where somebody pushes to it at this moment. */
export async function registryPart(
  lab: OpenLab,
  node: string,
  used: ReadonlySet<string>,
  all: boolean,
): Promise<{ readonly content: RegistryContent; readonly garbage: RemovableGarbage }> {
  const connection = await lab.connect(node)
  const read = await connection.exec(
    { argv: ['sh', '-euc', READ_REGISTRY, 'read', REGISTRY_DIRECTORY], timeoutMs: COLLECT_MS },
    { signal: lab.signal },
  )
  if (read.status !== 0) throw new LabError('REGISTRY', read.stderr.trim(), { where: node, hint: 'lab up' })
  const content = parseRegistry(read.stdout)
  const { manifests, bytes, isBusy } = registryGarbage(content, used, all)
  const nothing = { place: node, kind: 'images in the registry', items: [], bytes: 0, remove: () => Promise.resolve(0) }
  const busy = () => {
    const message = `the registry was left as it is: something is being pushed to it, or was a few minutes ago`
    lab.emit({ type: 'notice', level: 'warning', message })
  }
  if (isBusy) {
    busy()
    return { content, garbage: nothing }
  }
  const remove = async () => {
    const result = await connection.exec({
      argv: ['sh', '-euc', CLEAN_REGISTRY, 'clean', REGISTRY_DIRECTORY, String(content.now)],
      stdin: manifests.map(({ repository, digest }) => `${repository} ${digest}\n`).join(''),
      timeoutMs: COLLECT_MS,
      unit: 'lab-registry-prune',
    })
    if (result.status === 0) return bytes
    if (result.status !== PUSHED_MEANWHILE)
      throw new LabError('REGISTRY', `the registry's garbage was not removed: ${result.stderr.trim()}`, {
        where: node,
        hint: 'lab up, then run this again',
      })
    busy()
    return 0
  }
  const items = manifests.map(({ repository, tags, digest }) => `${repository}:${tags[0] ?? digest.slice(7, 19)}`)
  return { content, garbage: { ...nothing, items, bytes, remove } }
}

/** Images on a node's engine that nothing uses any more. */
export async function imagesPart(lab: OpenLab, node: string, digests: ReadonlySet<string>): Promise<RemovableGarbage> {
  const engine = await lab.engine(node)
  const { containers, images } = await engineContent(lab, node)
  const use = { digests, ids: new Set(containers.map(({ ImageID }) => ImageID)), now: Date.now() / 1000 }
  const garbage = images.filter((image) => isGarbageImage(image, use))
  return {
    place: node,
    kind: 'images',
    items: garbage.map((image) => shownName(image)),
    bytes: garbage.reduce((sum, { Size, SharedSize }) => sum + Size - Math.max(0, SharedSize), 0),
    remove: async () => {
      const before = ((await engine.df()) as DiskUse).LayersSize
      for (const image of garbage) {
        const names = imageNames(image)
        for (const name of names.length === 0 ? [image.Id] : names) await removeImage(engine, name)
      }
      return Math.max(0, before - ((await engine.df()) as DiskUse).LayersSize)
    },
  }
}

/** Build cache of a node that no build has used for a week; `all`: whatever no build uses at this moment. */
export async function cachePart(lab: OpenLab, node: string, all: boolean): Promise<RemovableGarbage> {
  const engine = await lab.engine(node)
  const { BuildCache } = (await engine.df()) as DiskUse
  const oldest = Date.now() - CACHE_HOURS * 3_600_000
  const old = (BuildCache ?? []).filter(
    ({ InUse, Shared, LastUsedAt }) => !InUse && !Shared && (all || Date.parse(LastUsedAt) < oldest),
  )
  const bytes = old.reduce((sum, { Size }) => sum + Size, 0)
  return {
    place: node,
    kind: 'build cache',
    items: bytes === 0 ? [] : [`${String(old.length)} layers`],
    bytes,
    remove: async () => {
      const connection = await lab.connect(node)
      const which = all ? ['--all'] : ['--filter', `until=${String(CACHE_HOURS)}h`]
      const { status, stderr } = await connection.exec({ argv: ['docker', 'builder', 'prune', '--force', ...which] })
      if (status !== 0) throw new LabError('BUILD_CACHE', stderr.trim(), { where: node })
      return bytes
    },
  }
}

async function engineContent(
  lab: OpenLab,
  node: string,
): Promise<{ readonly containers: readonly Docker.ContainerInfo[]; readonly images: readonly EngineImage[] }> {
  const engine = await lab.engine(node)
  const [containers, images] = await Promise.all([
    engine.listContainers({ all: true }),
    // The engine's API has it; dockerode's types do not.
    engine.listImages({ 'shared-size': true } as Docker.ListImagesOptions),
  ])
  return { containers, images }
}

function shownName(image: EngineImage): string {
  const [name = image.Id.slice(7, 19)] = imageNames(image)
  return name.replace(/@sha256:([0-9a-f]{12})[0-9a-f]*$/, '@$1')
}

/** Nothing where it is gone, or something began to use it meanwhile. */
async function removeImage(engine: Docker, name: string): Promise<void> {
  try {
    await engine.getImage(name).remove()
  } catch (error) {
    if (![404, 409].includes(engineStatus(error) ?? 0)) throw error
  }
}
