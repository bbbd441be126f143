import { REPLICA_PREFIX } from '../model/volume-policy.ts'
import type { ArrivedReplica } from '../model/volume-tending.ts'
import { LabError } from '../model/errors.ts'
import type { NodeVolume, NodeVolumes, VolumeRecord } from '../model/volume.ts'
import { observeVolume } from './move/copy-round.ts'
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
 * over; else it is the newest replica, where the volume is to have one: what an ended replica left may be of any age, and
 * its owner serves after a boot without asking whose the volume is. Undefined when there is neither. `arrived`: what the
 * node says of it, so that no clock is compared with another one.
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
  if (record.policy?.replicas.some((each) => each.node === node) !== true) return undefined
  const newest = found.snapshots.findLast(({ name }) => name.startsWith(REPLICA_PREFIX))
  if (newest === undefined) return undefined
  const ageMs = arrived?.snapshot === newest.name ? arrived.ageMs : undefined
  return { snapshot: newest.name, complete: false, ageMs }
}

/** The best snapshot to promote on a node, as it is now. */
export async function candidateOn(node: NodeVolumes, record: VolumeRecord): Promise<PromotionCandidate | undefined> {
  const [found, arrived] = await Promise.all([observeVolume(node, record.name), node.tending.arrived(record.name)])
  return promotionCandidate(record, node.node, found, arrived)
}

/**
 * The same of a node that gets nothing more: the owner is off. What still arrives ends first; the last replica may have
 * replaced the one that was there when somebody looked.
 */
export async function lastCandidate(node: NodeVolumes, record: VolumeRecord): Promise<PromotionCandidate | undefined> {
  await node.tending.endArrival(record.name)
  return candidateOn(node, record)
}

/** Pure: the candidate, if there is one that may be promoted. Throws `NO_REPLICA`, `MAY_LOSE_WRITES`. */
export function acceptCandidate(
  { name, owner, policy }: VolumeRecord,
  to: string,
  candidate: PromotionCandidate | undefined,
  acceptLoss: boolean,
): PromotionCandidate {
  if (candidate === undefined) {
    const nodes = (policy?.replicas ?? []).map(({ node }) => node)
    const other = nodes.find((node) => node !== to)
    const ended = nodes.includes(to) ? '' : ', or only what is left of one that was ended'
    throw new LabError('NO_REPLICA', `${to} has no replica of ${name}${ended}`, {
      where: to,
      hint:
        other === undefined
          ? `start ${owner} again ("lab up"): only it has the data`
          : `lab volume promote ${name} ${other}`,
    })
  }
  if (candidate.complete || acceptLoss) return candidate
  throw new LabError(
    'MAY_LOSE_WRITES',
    `the replica of ${name} on ${to} is ${ageText(candidate.ageMs)}: what was written to ${owner} after it is not there`,
    {
      where: to,
      hint: `start ${owner} again ("lab up"), which loses nothing, or: lab volume promote ${name} ${to} --accept-loss`,
    },
  )
}

/** Pure: an age as people say it. */
export function ageText(ms: number | undefined): string {
  if (ms === undefined) return 'of unknown age'
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${String(seconds)} s old`
  if (seconds < 7200) return `${String(Math.round(seconds / 60))} min old`
  return `${String(Math.round(seconds / 3600))} h old`
}
