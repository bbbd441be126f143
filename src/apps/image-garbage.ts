import { BASE_IMAGE, EDGE_IMAGE, REGISTRY } from '../model/names.ts'
import { cacheTag } from '../model/image-cache.ts'
import { isTagOfLab, pinnedDigest } from './registry-garbage.ts'

/** An image of a node's engine. */
export interface EngineImage {
  readonly Id: string
  readonly RepoTags?: readonly string[] | null | undefined
  readonly RepoDigests?: readonly string[] | null | undefined
  readonly Size: number
  /** What it has in common with other images; -1 where the engine did not look. */
  readonly SharedSize: number
  /** Seconds since 1970. */
  readonly Created: number
}

/** What decides whether an image of a node is garbage. */
export interface ImageUse {
  /** Digests that services run or may go back to. */
  readonly digests: ReadonlySet<string>
  /** Ids of images that containers of this engine were made from. */
  readonly ids: ReadonlySet<string>
  /** Seconds since 1970. */
  readonly now: number
}

/** An image without a name that is younger than this may be one that is being made. */
const UNNAMED_SECONDS = 3600
/** Names that lab gives: what is pulled from or pushed to its registry, and what it builds. */
const OURS = [`${REGISTRY}/`, cacheTag('')]

/** Pure: whether nothing uses an image and it is lab's to remove. What somebody pulled or built by hand is not. */
export function isGarbageImage(image: EngineImage, { digests, ids, now }: ImageUse): boolean {
  const names = imageNames(image)
  if (ids.has(image.Id) || names.some((name) => digests.has(pinnedDigest(name) ?? ''))) return false
  if (names.includes(BASE_IMAGE) || names.includes(EDGE_IMAGE)) return false
  if (names.length === 0) return now - image.Created > UNNAMED_SECONDS
  return names.every((name) => OURS.some((prefix) => name.startsWith(prefix)) && !isTaggedByHand(name))
}

/** In the lab's registry under a tag that lab never gives. */
function isTaggedByHand(name: string): boolean {
  const [, repository = '', tag] = /^[^/]+\/([^@]+):([^:/@]+)$/.exec(name) ?? []
  return tag !== undefined && tag !== 'latest' && !isTagOfLab(repository, tag)
}

/** Pure: every name of an image, tags first. */
export function imageNames({
  RepoTags,
  RepoDigests,
}: Pick<EngineImage, 'RepoTags' | 'RepoDigests'>): readonly string[] {
  return [...(RepoTags ?? []), ...(RepoDigests ?? [])].filter((name) => !name.startsWith('<none>'))
}
