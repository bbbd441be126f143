import type { Readable } from 'node:stream'

/** Where a move stands. `idle` is no move under way. See ARCHITECTURE.md, "Moving a volume". */
export const MOVE_PHASES = ['idle', 'precopy', 'quiesce', 'final', 'flip', 'demote', 'start'] as const
export type MovePhase = (typeof MOVE_PHASES)[number]

/**
 * The truth about one volume, kept in the swarm's raft store and changed by compare-and-swap only.
 * Node labels, leases and mounts follow from it.
 */
export interface VolumeRecord {
  readonly name: string
  /** App and service that use it. */
  readonly app: string
  readonly service: string
  readonly driver: VolumeDriverName
  /** Name of the node that may write. */
  readonly owner: string
  /** Counts flips; a copy with a lower epoch is never served. */
  readonly epoch: number
  readonly phase: MovePhase
  /** The move under way. */
  readonly move: { readonly id: string; readonly target: string; readonly startedAt: string } | undefined
  /** Name of the last snapshot that both ends of the move have. */
  readonly base: string | undefined
  /** Host port no other volume has: two tasks of one service can never hold it at once on a node. */
  readonly lockPort: number
}

export type VolumeDriverName = 'btrfs' | 'zfs'

/** A volume as found on one node. */
export interface LocalVolume {
  readonly name: string
  /** Writable subvolume or dataset is there. */
  readonly writable: boolean
  /** Bind-mounted where containers find it. */
  readonly served: boolean
  /** Epoch in this node's lease file; undefined without a lease. */
  readonly leaseEpoch: number | undefined
  readonly sizeBytes: number
  readonly snapshots: readonly LocalSnapshot[]
}

/** A read-only snapshot on a node. */
export interface LocalSnapshot {
  readonly name: string
  /** Identity of its content; a received copy names the sender's. */
  readonly uuid: string
  readonly receivedUuid: string | undefined
  readonly createdAt: string
}

/** Room in a node's pool. */
export interface PoolUsage {
  readonly totalBytes: number
  readonly freeBytes: number
}

/**
 * A filesystem that can snapshot and send: one implementation a filesystem, one contract suite for all.
 * Each works on ONE node, through its connection. Names were checked before they get here.
 */
export interface VolumeDriver {
  readonly name: VolumeDriverName
  list(): Promise<readonly LocalVolume[]>
  usage(): Promise<PoolUsage>
  /** An empty writable volume; nothing happens when it is there. */
  create(volume: string): Promise<void>
  /** A read-only snapshot of the writable volume, atomic. */
  snapshot(volume: string, snapshot: string): Promise<LocalSnapshot>
  deleteSnapshot(volume: string, snapshot: string): Promise<void>
  /** The stream of a snapshot, whole or since another snapshot that the receiver has. */
  send(volume: string, snapshot: string, since: string | undefined): Promise<Readable>
  /** Takes a stream; complete and verified, or nothing is left behind. */
  receive(volume: string, snapshot: string, stream: Readable): Promise<LocalSnapshot>
  /** Makes a writable volume from a received snapshot, replacing none: fails when one is there. */
  promote(volume: string, snapshot: string): Promise<void>
  /** Takes the writable volume away, leaving a read-only snapshot of that name. */
  demote(volume: string, snapshot: string): Promise<void>
  /** Removes the volume with all its snapshots. */
  destroy(volume: string): Promise<void>
}
