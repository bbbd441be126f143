/**
 * Images kept on the host, so that a new lab neither builds nor downloads again what an earlier one had. A key stands
 * for everything an image was made from. Losing the cache costs time, never correctness.
 */
export interface ImageCache {
  /** The archive kept under a key, as a tar of the same files; undefined when there is none. */
  get(key: string): Promise<NodeJS.ReadableStream | undefined>
  /** True when an archive is kept. */
  has(key: string): Promise<boolean>
  /** Keeps an archive: a tar of regular files. */
  put(key: string, archive: NodeJS.ReadableStream): Promise<void>
}

/** Name of a built or kept image in an engine. */
export function cacheTag(key: string): string {
  return `lab-app:${key}`
}
