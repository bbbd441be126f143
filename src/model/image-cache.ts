/**
 * Images kept on the host, so that a new lab neither builds nor downloads again what an earlier one had. A key stands
 * for everything an image was made from. Losing the cache costs time, never correctness.
 */
export interface ImageCache {
  /** The image as `docker save` writes it, its only name being {@link cacheTag} of the key; undefined when not kept. */
  get(key: string): Promise<NodeJS.ReadableStream | undefined>
  /** True when the image is kept. */
  has(key: string): Promise<boolean>
  /** Keeps an image given as `docker save` writes it, under the same name. */
  put(key: string, archive: NodeJS.ReadableStream): Promise<void>
}

/** Name of a kept image, in the host's engine and in the archives that go in and out. */
export function cacheTag(key: string): string {
  return `lab-app:${key}`
}
