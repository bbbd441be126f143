import type { ReplicaStatus } from '../model/documents.ts'
import type { VolumeRecord } from '../model/volume.ts'

/**
 * Since when nodes have been down without a break, by a clock that only goes forward. A node that is seen alive once starts
 * anew: one that merely boots, or is cut off for a moment, is not dead.
 */
export class DownSince {
  readonly #since = new Map<string, number>()

  /** Takes a look at all nodes: those that are down at `now`, in milliseconds. */
  look(down: ReadonlySet<string>, now: number): void {
    for (const node of this.#since.keys()) if (!down.has(node)) this.#since.delete(node)
    for (const node of down) if (!this.#since.has(node)) this.#since.set(node, now)
  }

  /**
   * Takes those whose owner has been down for so long. All of an owner are due at once, and it begins anew although it is
   * still down: whatever comes of them, the next time is that much later.
   */
  takeDue<T extends { readonly owner: string }>(owned: readonly T[], forMs: number, now: number): readonly T[] {
    const due = owned.filter(({ owner }) => now - (this.#since.get(owner) ?? Infinity) >= forMs)
    for (const { owner } of due) this.#since.delete(owner)
    return due
  }
}

/** Pure: volumes that are to be promoted by themselves once their owner is dead, and that nobody is at work on. */
export function promotesItself({ policy, phase, rollback }: VolumeRecord): boolean {
  const wanted = policy?.autoPromote === true && policy.replicas.length > 0
  return wanted && phase === 'idle' && rollback === undefined
}

/** Pure: the replica that loses least: the youngest of those that hold something. Undefined when there is none. */
export function youngest(replicas: readonly ReplicaStatus[]): ReplicaStatus | undefined {
  return replicas
    .filter(({ snapshot }) => snapshot !== undefined)
    .toSorted((a, b) => (a.ageMs ?? Infinity) - (b.ageMs ?? Infinity))[0]
}
