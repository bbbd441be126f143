/** What a part of the lab or of its host holds and nothing needs any more. */
export interface Garbage {
  /** Where it is: a node's name, or `this host`. */
  readonly place: string
  /** What it is, in the plural: `images`, `build cache`. */
  readonly kind: string
  /** Each one by name. */
  readonly items: readonly string[]
  /** What it takes, as far as that is known beforehand. */
  readonly bytes: number
}

/** Garbage, and how it is removed. */
export interface RemovableGarbage extends Garbage {
  /** Removes it, as far as it is still garbage; answers with the bytes that are free again. */
  readonly remove: () => Promise<number>
}
