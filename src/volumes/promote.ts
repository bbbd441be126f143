import { REPLICA_PREFIX } from '../model/volume-policy.ts'
import type { LocalSnapshot, NodeVolume, VolumeRecord } from '../model/volume.ts'
import { finalSnapshot } from './move/next-action.ts'

/** What a node has that a volume could be made of when its owner is dead. */
export interface PromotionCandidate {
  readonly snapshot: string
  /** Nothing can be missing in it: the owner had given the volume up before it was taken. */
  readonly complete: boolean
  /** How old it is at least by its node's clock; undefined where nobody knows. */
  readonly ageMs: number | undefined
}

/**
 * Pure: the best snapshot to promote on a node. A move that was cut off after its last transfer has handed everything
 * over; else it is the newest replica. Undefined when there is neither. `now`: the clock of that node, or one like it.
 */
export function promotionCandidate(
  record: VolumeRecord,
  node: string,
  found: Pick<NodeVolume, 'snapshots'>,
  now: number,
): PromotionCandidate | undefined {
  const { move, phase } = record
  if (move !== undefined && phase === 'final' && move.target === node) {
    const last = finalSnapshot(move.id)
    if (found.snapshots.some(({ name }) => name === last)) return { snapshot: last, complete: true, ageMs: 0 }
  }
  const newest = found.snapshots.findLast(({ name }) => name.startsWith(REPLICA_PREFIX))
  if (newest === undefined) return undefined
  return { snapshot: newest.name, complete: false, ageMs: ageOf(newest, now) }
}

/** The older of what its name says (the owner's clock) and when it is from by this node's filesystem. */
function ageOf({ name, createdAt }: LocalSnapshot, now: number): number | undefined {
  const times = [takenAt(name), createdAt === undefined ? Number.NaN : Date.parse(createdAt)].filter(Number.isFinite)
  return times.length === 0 ? undefined : Math.max(0, ...times.map((time) => now - time))
}

/** Pure: when a replica's snapshot was taken, by its name; NaN for other names. */
export function takenAt(name: string): number {
  const [, year, month, day, hour, minute, second] = /^replica-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)$/.exec(name) ?? []
  return Date.parse(`${year ?? ''}-${month ?? ''}-${day ?? ''}T${hour ?? ''}:${minute ?? ''}:${second ?? ''}Z`)
}

/** Pure: an age as people say it. */
export function ageText(ms: number | undefined): string {
  if (ms === undefined) return 'of unknown age'
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${String(seconds)} s old`
  if (seconds < 7200) return `${String(Math.round(seconds / 60))} min old`
  return `${String(Math.round(seconds / 3600))} h old`
}
