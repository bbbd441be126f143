import { REPLICA_PREFIX } from '../../model/volume-policy.ts'
import type { LocalSnapshot, MovePhase, NodeVolume, OpenMove, VolumeRecord } from '../../model/volume.ts'

/** What is known of the two nodes of a move and of the swarm. */
export interface MoveObservation {
  /** The volume on the source; undefined when the node cannot be reached. */
  readonly source: NodeVolume | undefined
  readonly target: NodeVolume | undefined
  /** Nodes that carry the volume's label. */
  readonly placed: readonly string[]
  /** Absent until `collect` was done: the snapshot that the two ends keep in common, if any. */
  readonly collected?: { readonly base: string | undefined }
}

/** What whoever drives the move wants: bring it to its end, or have everything as before (possible until `flip`). */
export type MoveIntent = 'finish' | 'undo'

/** One step of a move. Each is idempotent: done twice, or half and then again, it leaves the same. */
export type MoveAction =
  /** Copy while the service runs, until the rest is small. */
  | { readonly do: 'precopy' }
  /** Change the record's phase and nothing else of it. */
  | { readonly do: 'advance'; readonly to: MovePhase }
  /** Take the label away: the engine stops the service's task, and finds no place for a new one. */
  | { readonly do: 'unplace' }
  /** Wait until nothing uses the source's copy, take its lease and mount, make it read-only, take the final snapshot. */
  | { readonly do: 'fence' }
  | { readonly do: 'snapshot' }
  /** Send the final snapshot and verify it on the target. */
  | { readonly do: 'send' }
  /** The one step that cannot be taken back: the record names the owner, under a new epoch. */
  | { readonly do: 'decide'; readonly owner: string }
  /** Make the owner's copy writable, from a snapshot where there is none, and serve it. */
  | { readonly do: 'grant'; readonly from: string | undefined }
  | { readonly do: 'place' }
  | { readonly do: 'wait-serving' }
  /** Reduce what the former owner has to the final snapshot. */
  | { readonly do: 'demote' }
  /** Drop the snapshots that the move needed and nobody needs any more. */
  | { readonly do: 'collect' }
  /** Hand the owner its orders, and close the record. */
  | { readonly do: 'close' }
  /** Nothing can be done until somebody mends something. */
  | { readonly do: 'blocked'; readonly node: string; readonly why: 'unreachable' | 'no-data' | 'stray-copy' }

/** Name of the snapshot that is handed over. */
export function finalSnapshot(moveId: number): string {
  return `move-${String(moveId)}-final`
}

/**
 * Name of the snapshot that the owner's copy is made of: what was handed over, or what is promoted. A replica that was
 * on its way when the owner died replaces the one that is promoted; that one loses less. Undefined: it is not there.
 */
function grantedSnapshot({ id, promotes }: OpenMove, there: readonly LocalSnapshot[]): string | undefined {
  const wanted = promotes ?? finalSnapshot(id)
  if (there.some(({ name }) => name === wanted)) return wanted
  if (promotes?.startsWith(REPLICA_PREFIX) !== true) return undefined
  return there.findLast(({ name }) => name.startsWith(REPLICA_PREFIX) && name > promotes)?.name
}

/** Name of the snapshot of a pre-copy round. */
export function roundSnapshot(moveId: number, round: number): string {
  return `move-${String(moveId)}-${String(round)}`
}

/**
 * True for a snapshot that this move, or one before it, made: it is this move's to delete. What a later move made never
 * is: the run of lab that thinks it has this move may have been overtaken long ago.
 */
export function isDisposable(snapshot: string, moveId: number): boolean {
  const made = /^move-(\d{1,15})-(?:\d+|final)$/.exec(snapshot)?.[1]
  return made !== undefined && Number(made) <= moveId
}

/**
 * Pure: what to do next, from the record and from what is there, whatever happened before. Undefined: nothing, the
 * move is over. At most one node can ever write, because
 * - before `decide` only the source has had a grant under the record's epoch, and `decide` for the target comes after
 *   the source was fenced at that epoch, its copy frozen and the final snapshot seen whole on the target;
 * - after it only the record's owner is granted, under the new epoch, and no node accepts an epoch it gave up.
 */
export function nextAction(
  record: VolumeRecord,
  observation: MoveObservation,
  intent: MoveIntent,
): MoveAction | undefined {
  const { move } = record
  if (move === undefined || record.phase === 'idle') return undefined
  const undo = intent === 'undo'
  const { source, target, placed } = observation
  switch (record.phase) {
    case 'precopy':
      if (undo) return collect(observation) ?? { do: 'close' }
      if (source === undefined) return unreachable(move.source)
      if (target === undefined) return unreachable(move.target)
      return { do: 'precopy' }
    case 'quiesce':
      if (undo) return { do: 'decide', owner: move.source }
      if (placed.length > 0) return { do: 'unplace' }
      if (source === undefined) return unreachable(move.source)
      return isFenced(record, source) ? { do: 'advance', to: 'final' } : { do: 'fence' }
    case 'final':
      if (undo) return { do: 'decide', owner: move.source }
      if (source === undefined) return unreachable(move.source)
      if (target === undefined) return unreachable(move.target)
      return finalAction(record, move.id, source, target, move)
    case 'flip': {
      const owner = ownerOf(record, observation)
      if (owner === undefined) return unreachable(record.owner)
      return activate(record, move, owner)
    }
    case 'start': {
      const owner = ownerOf(record, observation)
      if (owner === undefined) return unreachable(record.owner)
      // A node that was started anew in between serves by its lease; one that does not must be told again.
      if (!isServing(record, owner)) return activate(record, move, owner)
      if (placed.length !== 1 || placed[0] !== record.owner) return { do: 'place' }
      // Where the service will run is settled. Tidying up takes less time than the engine takes to start it.
      return tidy(record, move, observation) ?? { do: 'wait-serving' }
    }
    case 'demote':
      return tidy(record, move, observation) ?? { do: 'close' }
  }
}

function tidy(record: VolumeRecord, move: OpenMove, observation: MoveObservation): MoveAction | undefined {
  const { source } = observation
  // A dead owner that is back has what was never handed over: `up` keeps it as it is, beside what is served. A former
  // owner that is down has no lease and serves nothing; `up` reduces its copy when it is back.
  const handedOver = record.owner === move.target && move.promotes === undefined
  if (handedOver && source !== undefined && source.live !== 'absent') return { do: 'demote' }
  return collect(observation)
}

function collect({ collected }: MoveObservation): MoveAction | undefined {
  return collected === undefined ? { do: 'collect' } : undefined
}

function finalAction(
  record: VolumeRecord,
  moveId: number,
  source: NodeVolume,
  target: NodeVolume,
  move: { readonly source: string; readonly target: string },
): MoveAction {
  const name = finalSnapshot(moveId)
  const ours = source.snapshots.find((each) => each.name === name)
  // A fence that was cut off between giving up the lease and freezing the copy.
  if (!isFenced(record, source)) return { do: 'fence' }
  if (source.live === 'absent') return { do: 'blocked', node: move.source, why: 'no-data' }
  if (ours === undefined) return { do: 'snapshot' }
  const theirs = target.snapshots.find((each) => each.name === name)
  if (theirs?.identity !== ours.identity) return { do: 'send' }
  if (target.live !== 'absent') return { do: 'blocked', node: move.target, why: 'stray-copy' }
  return { do: 'decide', owner: move.target }
}

function activate(record: VolumeRecord, move: OpenMove, owner: NodeVolume): MoveAction {
  const from = grantedSnapshot(move, owner.snapshots)
  if (owner.live === 'absent' && from === undefined) return { do: 'blocked', node: record.owner, why: 'no-data' }
  return isServing(record, owner) ? { do: 'advance', to: 'start' } : { do: 'grant', from }
}

function isFenced(record: VolumeRecord, source: NodeVolume): boolean {
  return !source.served && source.fencedEpoch >= record.epoch && source.live !== 'writable'
}

function isServing(record: VolumeRecord, owner: NodeVolume): boolean {
  return owner.live === 'writable' && owner.served && owner.leaseEpoch === record.epoch
}

function ownerOf(record: VolumeRecord, observation: MoveObservation): NodeVolume | undefined {
  return record.owner === record.move?.target ? observation.target : observation.source
}

function unreachable(node: string): MoveAction {
  return { do: 'blocked', node, why: 'unreachable' }
}
