/** Where an image that a service is pinned to came from, so that it can be had again when the lab's registry lost it. */
export interface ImageSource {
  /** Tags it had in the registry. */
  readonly tags: readonly string[]
  /** Its key in the host's cache; absent where what was pushed was taken as it was. */
  readonly key?: string | undefined
}

/** Pure: as a service's label. */
export function writeSource({ tags, key }: ImageSource): string {
  return JSON.stringify(key === undefined ? { tags } : { tags, key })
}

/** Pure: reads such a label; nothing is known of what was deployed without one. */
export function readSource(label: string | undefined): ImageSource {
  return label === undefined ? { tags: [] } : (JSON.parse(label) as ImageSource)
}

/** Pure: the tag of an image that goes by its digest alone. Nothing that anybody names by hand is called so. */
export function digestTag(digest: string): string {
  return digest.replace(':', '-')
}
