import { REPLICA_PREFIX } from '../model/volume-policy.ts'
import type { ArrivedReplica } from '../model/volume-tending.ts'
import type { NodeVolume, VolumeRecord } from '../model/volume.ts'
import { finalSnapshot } from './move/next-action.ts'

/** What a node has that a volume could be made of when its owner is dead. */
export interface PromotionCandidate {
  readonly snapshot: string
  /** Nothing can be missing in it: the owner had given the volume up before it was taken. */
  readonly complete: boolean
  /** How old it is by the clock of the node that it is on; undefined where nobody knows. */
  readonly ageMs: number | undefined
}

/**
 * Pure: the best snapshot to promote on a node. A move that was cut off after its last transfer has handed everything
 * over; else it is the newest replica. Undefined when there is neither. `arrived`: what the node says of it, so that no
 * clock is compared with another one.
 */
export function promotionCandidate(
  record: VolumeRecord,
  node: string,
  found: Pick<NodeVolume, 'snapshots'>,
  arrived: ArrivedReplica | undefined,
): PromotionCandidate | undefined {
  const { move, phase } = record
  if (move !== undefined && phase === 'final' && move.target === node) {
    const last = finalSnapshot(move.id)
    if (found.snapshots.some(({ name }) => name === last)) return { snapshot: last, complete: true, ageMs: 0 }
  }
  const newest = found.snapshots.findLast(({ name }) => name.startsWith(REPLICA_PREFIX))
  if (newest === undefined) return undefined
  const ageMs = arrived?.snapshot === newest.name ? arrived.ageMs : undefined
  return { snapshot: newest.name, complete: false, ageMs }
}

/** Pure: an age as people say it. */
export function ageText(ms: number | undefined): string {
  if (ms === undefined) return 'of unknown age'
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${String(seconds)} s old`
  if (seconds < 7200) return `${String(Math.round(seconds / 60))} min old`
  return `${String(Math.round(seconds / 3600))} h old`
}
