/** Where a rollback stands: `stop` until the service is gone and its data put aside, `start` from the decision on. */
export const ROLLBACK_PHASES = ['stop', 'start'] as const
export type RollbackPhase = (typeof ROLLBACK_PHASES)[number]

/** A rollback under way. See docs/volumes.md. */
export interface OpenRollback {
  /** The epoch it was opened under; in the name of the snapshot that keeps what was live before. */
  readonly id: number
  /** Which run of lab drives it, six hex digits; a run that takes a left rollback over puts its own. */
  readonly run: string
  readonly phase: RollbackPhase
  /** Snapshot the live copy is made from; what was live before, once it was decided to put that back. */
  readonly snapshot: string
  /** ISO 8601. */
  readonly startedAt: string
}
