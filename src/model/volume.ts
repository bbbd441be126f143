import type { Readable } from 'node:stream'
import type { PoolHealth, PoolUsage } from './pool-health.ts'
import type { OpenRollback } from './rollback.ts'
import type { VolumePolicy } from './volume-policy.ts'
import type { VolumeTending } from './volume-tending.ts'
import type { Tree } from './tree.ts'
import type { TransferJob, TransferWatch, VolumeChanges } from './volume-transfer.ts'

/**
 * Where a move stands, in the order a move goes through them; `idle` is no move under way. Until `flip` the source
 * owns the volume, from `flip` on whoever the record names. See docs/volumes.md.
 */
export const MOVE_PHASES = ['idle', 'precopy', 'quiesce', 'final', 'flip', 'start', 'demote'] as const
export type MovePhase = (typeof MOVE_PHASES)[number]

/** A move under way. */
export interface OpenMove {
  /**
   * The epoch it was opened under; in the names of its snapshots. Every move uses up an epoch, also one that is undone,
   * so ids grow, and a run that was overtaken can tell what is newer than itself.
   */
  readonly id: number
  /** Which run of lab drives it, six hex digits; a run that takes a left move over puts its own. */
  readonly run: string
  readonly source: string
  readonly target: string
  /** ISO 8601. */
  readonly startedAt: string
  /**
   * The snapshot on the target that becomes the volume, where the source is dead and cannot hand anything over; such a
   * move begins with its `flip`. Absent: the snapshot that the source handed over.
   */
  readonly promotes?: string
}

/**
 * The truth about one volume, kept in the swarm's raft store and changed by compare-and-swap only.
 * Node labels, leases and mounts follow from it.
 */
export interface VolumeRecord {
  readonly name: string
  /** App and service that use it; empty for a volume made by hand that none has used yet. */
  readonly app: string
  readonly service: string
  readonly driver: VolumeDriverName
  /** Name of the node that may write. */
  readonly owner: string
  /** Counts grants of ownership; what was granted under a lower one is void. 0: not served by anybody yet. */
  readonly epoch: number
  readonly phase: MovePhase
  /** The move under way; undefined exactly when the phase is `idle`. */
  readonly move: OpenMove | undefined
  /** Name of the last snapshot that both ends of the last move have: the base of a move back. */
  readonly base: string | undefined
  /** Host port no other volume has: two tasks of one service can never hold it at once on a node. */
  readonly lockPort: number
  /** The most it may hold; undefined: as much as its pool has. */
  readonly limitBytes?: number | undefined
  /** The rollback under way; the phase is `idle` then, for no move is. */
  readonly rollback?: OpenRollback | undefined
  /** What its owner does by itself: replicas, scheduled snapshots. */
  readonly policy?: VolumePolicy
}

/** A record as it was read, with what a change must present to be accepted. */
export interface StoredRecord {
  readonly record: VolumeRecord
  /** Id and version of the object it is kept in. */
  readonly id: string
  readonly version: number
}

/** Records of all volumes, changed by compare-and-swap. */
export interface VolumeRecords {
  list(): Promise<readonly StoredRecord[]>
  /** Throws `LabError` `VOLUME_EXISTS` when there is one of that name. */
  create(record: VolumeRecord): Promise<StoredRecord>
  /** Throws `LabError` `VOLUME_CONFLICT`, changing nothing, when somebody changed the record since it was read. */
  replace(stored: StoredRecord, next: VolumeRecord): Promise<StoredRecord>
  remove(stored: StoredRecord): Promise<void>
}

export const VOLUME_DRIVERS = ['btrfs', 'zfs'] as const
export type VolumeDriverName = (typeof VOLUME_DRIVERS)[number]

/** A volume as found in one node's pool. */
export interface LocalVolume {
  readonly name: string
  /** The copy that containers write to: there, there but read-only for now, or not there. */
  readonly live: 'writable' | 'frozen' | 'absent'
  /**
   * Whole snapshots, oldest first; what an interrupted transfer left is not among them. What a rollback on ZFS put
   * aside comes before those that the live copy goes on from: of two that are common, the later is the better base.
   */
  readonly snapshots: readonly LocalSnapshot[]
  /** The most the live copy may hold; undefined without a limit, or without a live copy. */
  readonly limitBytes?: number | undefined
}

/** A read-only snapshot on a node. */
export interface LocalSnapshot {
  readonly name: string
  /** Identity of its content: the same for a snapshot and every copy of it that arrived whole elsewhere. */
  readonly identity: string
  /** When it was taken (on btrfs a copy: when it arrived), ISO 8601, as `list` finds it; undefined elsewhere. */
  readonly createdAt?: string | undefined
}

/**
 * A filesystem that can snapshot and send: one implementation a filesystem, one contract suite for all.
 * Each works on ONE node, through its connection. Names are checked by it. Failures are `LabError` `VOLUME_DRIVER`.
 */
export interface VolumeDriver {
  readonly name: VolumeDriverName
  /** Every volume of the pool, also those of which there are only snapshots. */
  list(): Promise<readonly LocalVolume[]>
  usage(): Promise<PoolUsage>
  /** Bytes the files of the live copy (or else of the newest snapshot) take. */
  usedBytes(volume: string): Promise<number>
  /** An empty live copy; nothing happens when there is one. */
  create(volume: string): Promise<void>
  /** A read-only snapshot of the live copy, atomic. */
  snapshot(volume: string, snapshot: string): Promise<LocalSnapshot>
  /** Nothing happens when there is none of that name. */
  deleteSnapshot(volume: string, snapshot: string): Promise<void>
  /** Makes the live copy read-only; no error when it is already. */
  freeze(volume: string): Promise<void>
  /** Takes `freeze` back. */
  thaw(volume: string): Promise<void>
  /** The stream of a snapshot, whole or since another snapshot that the receiver has. It errors when sending fails. */
  send(volume: string, snapshot: string, since?: string): Promise<Readable>
  /** Takes a stream; complete and verified, or nothing is left behind. */
  receive(volume: string, snapshot: string, stream: Readable): Promise<LocalSnapshot>
  /**
   * Makes a live copy, writable and without a limit, from any snapshot; all of them stay, the newer ones too. Fails
   * when there is a live copy.
   */
  promote(volume: string, snapshot: string): Promise<void>
  /** Takes the live copy away, leaving a read-only snapshot of that name (one that is there already is kept). */
  demote(volume: string, snapshot: string): Promise<void>
  /** Removes live copy and snapshots; nothing happens when there are none. Clones stay, and stay whole. */
  destroy(volume: string): Promise<void>
  /**
   * The most the live copy may hold, or no limit. A writer that goes over it is refused with `EDQUOT` ("Disk quota
   * exceeded"), by both filesystems; others are not. Less than it holds now is accepted: then only deleting works. It
   * goes with the live copy: whoever makes one from a snapshot sets it again (see {@link NodeVolumes.grant}).
   */
  setLimit(volume: string, bytes: number | undefined): Promise<void>
  /**
   * A new volume with a writable live copy of a snapshot, which shares its blocks: takes no time and no room, whatever
   * the size. Fails when there is anything of the name `as`. It does not depend on what becomes of the volume.
   */
  clone(volume: string, snapshot: string, as: string): Promise<void>
  /**
   * A digest over the tree of a snapshot: names, types, contents, hard links, modes, owners, times (ns), extended
   * attributes, ACLs, device numbers, targets of symbolic links. Holes count as zeros. Equal wherever the tree is.
   * Reads everything.
   */
  digest(volume: string, snapshot: string): Promise<string>
  /** What there is at each path of a snapshot. Reads everything. */
  listing(volume: string, snapshot: string): Promise<Tree>
  health(): Promise<PoolHealth>
  /**
   * How much a transfer of the live copy would send, whole or since a snapshot, and how much is written in so many
   * seconds. Changes nothing. (ZFS tells by two snapshots, `lab-check-0` and `-1`, which it takes away again.)
   */
  changes(volume: string, since: string | undefined, seconds: number): Promise<VolumeChanges>
}

/** How a volume is fenced. */
export interface FenceOptions {
  /** Name of a snapshot to take of what is fenced. */
  readonly snapshot?: string
  readonly signal?: AbortSignal
}

/** What came of a fence. */
export interface Fenced {
  readonly holders: readonly VolumeHolder[]
  /** The one that was asked for; undefined when there are users, or no copy. */
  readonly snapshot: LocalSnapshot | undefined
}

/** Something that uses a volume on a node. */
export interface VolumeHolder {
  /** `mount`: a container or other mount namespace has it; `local`: mounted elsewhere on the node; `file`: open. */
  readonly kind: 'mount' | 'local' | 'file'
  readonly pid: number
  readonly command: string
  readonly path: string
}

/** What a volume is on one node, with the right to serve it. */
export interface NodeVolume extends LocalVolume {
  /** Bind-mounted where containers find it. */
  readonly served: boolean
  /** Epoch this node may serve it under; 0 without a lease. */
  readonly leaseEpoch: number
  /** Highest epoch this node has given up; 0 for none. */
  readonly fencedEpoch: number
  /** Digest of the orders it has for the volume; absent without any. */
  readonly orders?: string
}

/** The volumes of one node: its driver, and its right to serve them. Throws `LabError`s; `UNREACHABLE` when it is down. */
export interface NodeVolumes {
  readonly node: string
  readonly driver: VolumeDriver
  readonly tending: VolumeTending
  /** Every volume that has anything on this node: data, a lease, a fence or a mount. */
  state(): Promise<readonly NodeVolume[]>
  /**
   * Makes the live copy writable (from the snapshot, if there is no live copy) and lets the node serve it, now and
   * after every boot. `limitBytes` is the most it may hold (see {@link VolumeDriver.setLimit}), set before anybody can
   * write; left out, a limit that is there stays. Throws `EPOCH_FENCED`, having changed nothing, for an epoch the node
   * gave up.
   */
  grant(volume: string, epoch: number, from?: string, limitBytes?: number): Promise<void>
  /**
   * Waits until nothing uses the volume, then takes lease and mount away for good and makes the copy read-only: no
   * grant up to `epoch` is accepted any more. Takes `snapshot` then, unless it is there already. Returns who still uses it
   * when the time is up, having changed nothing; nobody means it is done. Throws `EPOCH_FENCED` when the node serves it
   * under a newer epoch.
   */
  fence(volume: string, epoch: number, waitSeconds: number, options?: FenceOptions): Promise<Fenced>
  /**
   * Reduces a live copy to a snapshot of that name, which is kept if it is there. Throws `EPOCH_FENCED`, having changed
   * nothing, unless the node was fenced last at just this epoch and has no lease.
   */
  retire(volume: string, epoch: number, snapshot: string): Promise<void>
  holders(volume: string): Promise<readonly VolumeHolder[]>
  /** Forgets lease and fence of a volume that exists no more. */
  forget(volume: string): Promise<void>
  /**
   * Sends a snapshot to another node and returns the bytes sent. The transfer goes on when lab goes away, or stops
   * waiting. Throws `TRANSFER_BUSY` while another one runs, `TRANSFER_FAILED` with what both ends said.
   */
  transfer(job: Omit<TransferJob, 'active'> & { readonly volume: string }, watch: TransferWatch): Promise<number>
  /** Waits for a transfer that was started before, as `transfer` does. */
  followTransfer(volume: string, watch: TransferWatch): Promise<number>
  /** Whether a transfer to that node would be let in there. */
  reaches(target: string): Promise<boolean>
  /** Bytes a second of the last transfer of some size to a node, whatever the volume; undefined since boot without one. */
  transferRate(target: string): Promise<number | undefined>
  transferJob(volume: string): Promise<TransferJob | undefined>
  stopTransfer(volume: string): Promise<void>
}
