/**
 * Images kept on the host, so that a new lab neither builds nor downloads again what an earlier one had. A key stands
 * for everything an image was made from. Losing the cache costs time, never correctness.
 */
export interface ImageCache {
  /** The archive kept under a key, as a tar of the same files; undefined when there is none. */
  get(key: string): Promise<NodeJS.ReadableStream | undefined>
  /** True when an archive is kept. */
  has(key: string): Promise<boolean>
  /** Keeps an archive: a tar of regular files. What was built can go once nothing needs it; what was pulled stays. */
  put(key: string, archive: NodeJS.ReadableStream, origin: ImageOrigin): Promise<void>
}

/** How an image that is kept came to be. */
export type ImageOrigin = 'built' | 'pulled'

/** Name of a built or kept image in an engine. */
export function cacheTag(key: string): string {
  return `lab-app:${key}`
}
