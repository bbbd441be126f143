import type { NodeVolume, VolumeRecord } from '../../model/volume.ts'

/** What is known of the owner of a volume and of the swarm. */
export interface RollbackObservation {
  /** The volume on its owner; undefined when the node cannot be reached. */
  readonly owner: NodeVolume | undefined
  /** Nodes that carry the volume's label. */
  readonly placed: readonly string[]
}

/** Bring it to its end, or have everything as before (possible until it is decided). */
export type RollbackIntent = 'finish' | 'undo'

/** One step of a rollback. Each is idempotent: done twice, or half and then again, it leaves the same. */
export type RollbackAction =
  /** Take the label away: the engine stops the service's task. */
  | { readonly do: 'unplace' }
  /** Wait until nothing uses the copy, take lease and mount, make it read-only. */
  | { readonly do: 'fence' }
  /** Reduce what was live to the snapshot that keeps it. */
  | { readonly do: 'keep' }
  /** The record says, under a new epoch, what the live copy is made from. */
  | { readonly do: 'decide'; readonly snapshot: string }
  /** Make the live copy, or make it writable again, and serve it. */
  | { readonly do: 'grant' }
  | { readonly do: 'place' }
  /** Wait until the service serves, and close the record. */
  | { readonly do: 'wait-serving' }
  /** Nothing can be done until somebody mends something. */
  | { readonly do: 'blocked'; readonly why: 'unreachable' | 'no-data' }

/** Name of the snapshot that keeps what was live before a rollback. */
export function keptSnapshot(rollbackId: number): string {
  return `before-rollback-${String(rollbackId)}`
}

/**
 * Pure: what to do next with an open rollback, from the record and from what is there, whatever happened before.
 * Undefined: there is none. No write is lost, because what was live goes away only as a snapshot that is whole; and
 * there is one writer at most, because only the owner is ever granted anything, and a copy is taken away under the
 * epoch it was fenced at, which no later grant has.
 */
export function nextRollbackAction(
  record: VolumeRecord,
  { owner, placed }: RollbackObservation,
  intent: RollbackIntent,
): RollbackAction | undefined {
  const { rollback } = record
  if (rollback === undefined) return undefined
  if (rollback.phase === 'stop' && intent === 'finish' && placed.length > 0) return { do: 'unplace' }
  if (owner === undefined) return { do: 'blocked', why: 'unreachable' }
  const has = (name: string) => owner.snapshots.some((each) => each.name === name)
  const kept = keptSnapshot(rollback.id)
  const there = owner.live !== 'absent' || has(kept)
  if (rollback.phase === 'start') {
    if (isServing(record, owner)) {
      return placed.length === 1 && placed[0] === record.owner ? { do: 'wait-serving' } : { do: 'place' }
    }
    if (owner.live !== 'absent' || has(rollback.snapshot)) return { do: 'grant' }
    // Somebody deleted the snapshot in between: what was live before is still there.
    return has(kept) ? { do: 'decide', snapshot: kept } : { do: 'blocked', why: 'no-data' }
  }
  if (!there) return { do: 'blocked', why: 'no-data' }
  if (intent === 'undo') return { do: 'decide', snapshot: kept }
  if (!isFenced(record, owner)) return { do: 'fence' }
  if (!has(rollback.snapshot)) return { do: 'decide', snapshot: kept }
  return owner.live === 'absent' ? { do: 'decide', snapshot: rollback.snapshot } : { do: 'keep' }
}

function isFenced(record: VolumeRecord, owner: NodeVolume): boolean {
  return !owner.served && owner.fencedEpoch >= record.epoch && owner.live !== 'writable'
}

function isServing(record: VolumeRecord, owner: NodeVolume): boolean {
  return owner.live === 'writable' && owner.served && owner.leaseEpoch === record.epoch
}
