/** What a move of a volume did. */
export interface MovedVolume {
  readonly volume: string
  readonly from: string
  readonly to: string
  readonly epoch: number
  readonly rounds: number
  readonly bytesSent: number
  readonly blackoutMs: number
  readonly durationMs: number
}

/** What a promotion did: a copy became the volume, as its owner is dead. */
export interface PromotedVolume {
  readonly volume: string
  readonly from: string
  readonly to: string
  readonly epoch: number
  /** What the volume goes on from; empty when nothing was to do. */
  readonly snapshot: string
  /** Age of that snapshot at least; undefined when nobody knows, or an earlier run chose it. */
  readonly ageMs: number | undefined
  /** Writes after the snapshot may be missing. */
  readonly lossPossible: boolean
}
