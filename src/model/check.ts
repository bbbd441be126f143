/** One thing a host must have, looked at. */
export interface Check {
  readonly name: string
  readonly ok: boolean
  /** What was found. */
  readonly detail: string
  /** What to type or do; only where something is to be done. */
  readonly hint?: string
}
