/** What an owner says of one of its replicas. */
export interface ReplicaState {
  readonly volume: string
  readonly node: string
  readonly everyMs: number
  /** The newest snapshot that is whole there, as far as the owner knows; undefined before the first round. */
  readonly snapshot: string | undefined
  /** Age of that snapshot. */
  readonly ageMs: number | undefined
  /** The last round sent all, for want of a base that both had. */
  readonly whole: boolean
  /** Bytes of the last round. */
  readonly bytes: number
  /** Why the last try came to nothing; undefined when it did not. */
  readonly trouble: string | undefined
}

/** What a node says of a replica that is kept on it. */
export interface ArrivedReplica {
  readonly snapshot: string
  /** Undefined where nobody knows, as the node's clock was put back since. */
  readonly ageMs: number | undefined
}

/** What a node does by itself for the volumes it owns. */
export interface VolumeTending {
  /** Replaces the orders of a volume; undefined ends them. They are followed while the node has the volume's lease. */
  setOrders(volume: string, orders: string | undefined): Promise<void>
  /** What there is of the replicas of every volume this node tends. */
  replicas(): Promise<readonly ReplicaState[]>
  /**
   * The replica that others keep here, and how old it is: the time since it began to arrive, by this node's own clock.
   * Undefined where none arrived, or it is there no more.
   */
  arrived(volume: string): Promise<ArrivedReplica | undefined>
  /**
   * Has what still arrives here of a volume come to its end within a few seconds. For an owner that is off and begins
   * nothing new: what is whole here now is what there is.
   */
  endArrival(volume: string): Promise<void>
  /** No round of replicas or schedules begins for a minute, nor while a move sends; one that is under way is ended. */
  hold(volume: string): Promise<void>
  /** Takes `hold` back. */
  release(volume: string): Promise<void>
  /**
   * A snapshot with the hooks of the volume's orders around it. Throws `HOOK_FAILED` when the one before it failed, and
   * none was taken. Returns what is wrong with the hook after it, if anything is: the snapshot is good then.
   */
  snapshot(volume: string, snapshot: string): Promise<string | undefined>
}
