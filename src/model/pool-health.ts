/** States of a node's pool, the worst first. */
export type PoolState = 'not-mounted' | 'read-only' | 'full' | 'degraded' | 'ok'

/** How a node's pool is. With `degraded` it still works. */
export interface PoolHealth {
  readonly state: PoolState
  /** What was found, in a few words. */
  readonly detail: string
  /** What to type or do; undefined exactly when the state is `ok`. */
  readonly hint: string | undefined
}
