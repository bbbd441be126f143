import type Docker from 'dockerode'
import type { RemovableGarbage } from '../../model/garbage.ts'
import { cacheTag } from '../../model/image-cache.ts'
import type { LabIdentity } from '../../model/lab-spec.ts'
import { unlessStatus } from './engine.ts'
import { KEEPER_LABEL, ORIGIN_LABEL } from './image-cache.ts'
import { IMAGE_LABEL, IMAGES, imageTags, type ImageName, type ImageTags } from './image-recipe.ts'
import { listLabs } from './labs.ts'
import { isSnapshotImage } from './snapshot/names.ts'

/** An image of the host's engine, as far as it matters whether it can go. */
export interface HostImage {
  readonly Id: string
  readonly ParentId: string
  readonly RepoTags?: readonly string[] | null | undefined
  readonly Labels: Readonly<Record<string, string>> | null
  readonly Size: number
  /** Seconds since 1970. */
  readonly Created: number
}

/** What decides whether an image of the host can go. */
export interface HostUse {
  /** Ids of images that containers were made from, running or not, of whatever lab. */
  readonly ids: ReadonlySet<string>
  /** Images of the recipes as they are now. */
  readonly tags: ImageTags
  /** The lab, and the keys of images of its apps that it may need again. */
  readonly lab: string
  readonly needed: ReadonlySet<string>
  /** Also what labs built that are gone by now. */
  readonly ofAnyLab: boolean
  /** Another lab is on this host: what it may need of images of apps, nobody here can tell. */
  readonly hasOtherLabs: boolean
}

/**
 * Pure: names of images that can go, all of them lab's own: of recipes older than those of now that nothing is made from,
 * and what this lab, or any that is gone, once built for its apps. Whatever is newer than the images of now belongs to a
 * newer lab.
 */
export function staleImages(images: readonly HostImage[], use: HostUse): readonly string[] {
  const byId = new Map(images.map((image) => [image.Id, image]))
  const isCurrent = ({ RepoTags }: HostImage) => IMAGES.some((name) => RepoTags?.includes(use.tags[name]) === true)
  const kept = new Set<string>()
  const keep = (id: string) => {
    for (let image = byId.get(id); image !== undefined && !kept.has(image.Id); image = byId.get(image.ParentId))
      kept.add(image.Id)
  }
  for (const id of use.ids) keep(id)
  for (const image of images) if (isCurrent(image) || isSnapshotImage(image.RepoTags)) keep(image.Id)
  // An edge is in a node image as an archive, not as a parent: the newest before a node that is needed is that one's.
  const ofRecipe = (name: ImageName) => images.filter(({ Labels }) => Labels?.[IMAGE_LABEL] === name)
  for (const node of ofRecipe('node').filter(({ Id }) => kept.has(Id))) {
    const [edge] = ofRecipe('edge')
      .filter(({ Created }) => Created <= node.Created)
      .sort((a, b) => b.Created - a.Created)
    if (edge !== undefined) keep(edge.Id)
  }
  return IMAGES.flatMap((name) => {
    const now = ofRecipe(name).find(({ RepoTags }) => RepoTags?.includes(use.tags[name]))
    if (now === undefined) return []
    const old = ofRecipe(name).filter(({ Id, Created }) => !kept.has(Id) && Created < now.Created)
    return old.flatMap(({ RepoTags }) => (RepoTags ?? []).filter((tag) => tag.startsWith(`lab-${name}:`)))
  }).concat(staleApps(images, use))
}

function staleApps(
  images: readonly HostImage[],
  { lab, needed, ofAnyLab, hasOtherLabs, ids }: HostUse,
): readonly string[] {
  if (hasOtherLabs) return []
  return images.flatMap(({ Id, Labels, RepoTags }) => {
    const keeper = Labels?.[KEEPER_LABEL]
    const isOurs = keeper === lab || (ofAnyLab && keeper !== undefined)
    if (!isOurs || Labels?.[ORIGIN_LABEL] !== 'built' || ids.has(Id)) return []
    return (RepoTags ?? []).filter((tag) => tag.startsWith(cacheTag('')) && !needed.has(tag.slice(cacheTag('').length)))
  })
}

/** What lab made on this host and nothing needs any more; see {@link HostUse} for `needed` and `ofAnyLab`. */
export async function hostGarbage(
  engine: Docker,
  lab: LabIdentity,
  { needed, ofAnyLab }: Pick<HostUse, 'needed' | 'ofAnyLab'>,
): Promise<RemovableGarbage> {
  const [images, containers, labs, tags] = await Promise.all([
    engine.listImages({ all: true }) as Promise<readonly HostImage[]>,
    engine.listContainers({ all: true }),
    listLabs(engine),
    imageTags(),
  ])
  const ids = new Set(containers.map(({ ImageID }) => ImageID))
  const hasOtherLabs = labs.some(({ id }) => id !== lab.id)
  const names = staleImages(images, { ids, tags, lab: lab.id, needed, ofAnyLab, hasOtherLabs })
  const stale = images.filter(({ RepoTags }) => RepoTags?.some((tag) => names.includes(tag)) === true)
  return {
    place: 'this host',
    kind: 'images',
    items: names,
    bytes: stale.reduce((sum, image) => sum + ownBytes(image, images), 0),
    remove: async () => {
      const before = await layersSize(engine)
      // The outermost first: what they were built upon can only go after them.
      for (const name of [...names].reverse()) await unlessStatus(engine.getImage(name).remove(), 404, 409)
      return Math.max(0, before - (await layersSize(engine)))
    },
  }
}

/**
 * Pure: an image's own part of its size. What it was built upon is another image's, if that has a name; the steps of its
 * build between the two have none, and go with it.
 */
export function ownBytes({ Size, ParentId }: HostImage, images: readonly HostImage[]): number {
  const parent = images.find(({ Id }) => Id === ParentId)
  if (parent === undefined) return Size
  const isNamed = parent.RepoTags?.some((tag) => !tag.startsWith('<none>')) === true
  return Size - (isNamed ? parent.Size : parent.Size - ownBytes(parent, images))
}

async function layersSize(engine: Docker): Promise<number> {
  return ((await engine.df()) as { readonly LayersSize: number }).LayersSize
}
