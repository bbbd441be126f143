import type { LabSnapshot } from './snapshot.ts'
import type { TreeDifference } from './tree.ts'
import type { VolumeHooks, VolumeKeep } from './volume-policy.ts'
import type { MovePhase, VolumeDriverName } from './volume.ts'

/** What the queries print with `--json`: a contract. Fields may be added, never renamed. */
export interface StatusDocument {
  /** Id of the lab. */
  readonly lab: string
  /** URL of the edge on this host; undefined while it is not published. */
  readonly edge: string | undefined
  readonly nodes: readonly NodeStatus[]
  readonly services: readonly ServiceStatus[]
  readonly volumes: readonly VolumeStatus[]
  /** What could not be found out, and why: a node that does not answer, no manager. One sentence each. */
  readonly notes: readonly string[]
}

/** A node, as seen from outside and by the swarm. */
export interface NodeStatus {
  readonly name: string
  readonly roles: readonly string[]
  readonly address: string | undefined
  /** Its addresses on networks besides the lab's own, by their names; absent where it is on none. */
  readonly networks?: Readonly<Record<string, string>>
  readonly provider: string
  readonly state: 'running' | 'stopped' | 'missing' | 'unreachable'
  /** Version of its engine; undefined when it does not answer. */
  readonly engine: string | undefined
  /** Its part in the swarm: `leader`, `manager`, `worker`, or why it has none (`down`, `left`). */
  readonly swarm: string | undefined
  /** What it takes of what it may take; of nodes for which lab.yml has `memory` or `cpus`, while they answer. */
  readonly use?: {
    readonly memoryBytes: number
    readonly memoryLimitBytes: number | undefined
    /** Processors' worth of time. */
    readonly cpus: number
    readonly cpusLimit: number | undefined
  }
}

/** A service of an app. */
export interface ServiceStatus {
  readonly name: string
  readonly app: string
  readonly desired: number
  readonly running: number
  readonly image: string
  readonly urls: readonly string[]
  readonly tasks: readonly TaskStatus[]
}

/** One task of a service. */
export interface TaskStatus {
  readonly id: string
  readonly node: string | undefined
  readonly address: string | undefined
  readonly state: string
  readonly health: string
  readonly error: string | undefined
}

/** A data volume. */
export interface VolumeStatus {
  readonly name: string
  readonly app: string
  readonly service: string
  readonly owner: string
  readonly driver: VolumeDriverName
  readonly epoch: number
  readonly phase: MovePhase
  /** Most it may hold: its pool's size. Undefined when its node does not answer. */
  readonly sizeBytes: number | undefined
  readonly usedBytes: number | undefined
  readonly snapshots: number | undefined
  /** Copies that its owner keeps up to date elsewhere; absent where the nodes were not asked (`status`). */
  readonly replicas?: readonly ReplicaStatus[]
}

/** A replica of a volume. */
export interface ReplicaStatus {
  readonly node: string
  readonly everyMs: number
  /** Age of what is whole there; undefined when there is nothing yet, or nobody can tell. */
  readonly ageMs: number | undefined
  readonly snapshot: string | undefined
  /** Why the last try came to nothing. */
  readonly trouble: string | undefined
}

/** One data volume, with everything that is known of it. */
export interface VolumeDocument extends VolumeStatus {
  /** The most it may hold; undefined: what its pool has. */
  readonly limitBytes: number | undefined
  /** Snapshot that a rollback under way goes to. */
  readonly rollingBackTo: string | undefined
  readonly snapshotList: readonly SnapshotStatus[]
  /** Who uses it on its owner right now. */
  readonly holders: readonly string[]
  /** Snapshots by schedule, and how many of each stay. */
  readonly keep: VolumeKeep
  /** A watcher promotes its youngest replica when the owner is dead. */
  readonly autoPromote: boolean
  /** Commands around every snapshot. */
  readonly hooks: VolumeHooks
  /** What other nodes have of it. */
  readonly copies: readonly CopyStatus[]
}

/** A snapshot of a volume on its owner. */
export interface SnapshotStatus {
  readonly name: string
  /** ISO 8601; undefined when the filesystem does not say. */
  readonly createdAt: string | undefined
  /** Nodes other than the owner that have it too. */
  readonly also: readonly string[]
}

/** What a node that does not own a volume has of it. */
export interface CopyStatus {
  readonly node: string
  /**
   * `common`: has a snapshot that the owner has too, so a move there sends only what changed; `orphan`: has data the
   * owner does not; `stray`: has a copy that could be written to (lab up puts it away); `unreachable`: cannot be asked.
   */
  readonly state: 'common' | 'orphan' | 'stray' | 'unreachable'
  readonly usedBytes: number | undefined
  readonly snapshots: readonly string[]
}

/** Where a volume, as it is now, differs from a snapshot of it. */
export interface VolumeDiffDocument {
  readonly volume: string
  readonly owner: string
  /** Where the snapshot is. */
  readonly node: string
  readonly snapshot: string
  /** `ours` is the volume, `theirs` the snapshot. By path. */
  readonly differences: readonly TreeDifference[]
}

/** The snapshots of one volume. */
export interface SnapshotsDocument {
  readonly volume: string
  readonly owner: string
  readonly snapshots: readonly SnapshotStatus[]
}

/** All data volumes. */
export interface VolumesDocument {
  readonly volumes: readonly VolumeStatus[]
}

/** All snapshots of the lab, the oldest first. */
export interface LabSnapshotsDocument {
  readonly snapshots: readonly LabSnapshot[]
}

/** Every lab on this host. */
export interface LabsDocument {
  readonly labs: readonly {
    readonly id: string
    readonly name: string
    readonly directory: string
    /** Its lab.yml is still there. */
    readonly exists: boolean
    readonly nodes: readonly { readonly name: string; readonly state: string; readonly paused: boolean }[]
    /** URL of its edge on this host; undefined while it is not published. */
    readonly edge: string | undefined
  }[]
}

/** What the name server answers on each node, against the tasks that run. */
export interface DnsDocument {
  readonly consistent: boolean
  readonly names: readonly DnsName[]
}

/** One name: the addresses it should have, and those each node was told (undefined: the node did not answer). */
export interface DnsName {
  readonly name: string
  readonly expected: readonly string[]
  readonly seen: Readonly<Record<string, readonly string[] | undefined>>
}

/** What a playbook would do, as far as that is known without asking a node. */
export interface PlaybookOutline {
  readonly playbook: string
  readonly plays: readonly {
    readonly play: string
    readonly tags: readonly string[]
    readonly nodes: readonly string[]
    /** In the order of the play; `where` is the line of the playbook. */
    readonly steps: readonly {
      readonly title: string
      readonly kind: string
      readonly nodes: readonly string[]
      readonly where: string | undefined
    }[]
  }[]
}
