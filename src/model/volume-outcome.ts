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

/** What a move would do, as far as that can be told before it. */
export interface ForeseenMove {
  readonly volume: string
  readonly from: string
  readonly to: string
  /** Bytes to send, in all rounds. */
  readonly bytes: number
  readonly rounds: number
  readonly downtimeMs: number
  /** With `--max-pause`: the move would refuse to stop the service. */
  readonly refused: boolean
  /** Bytes a second that are written, and that go from node to node. */
  readonly writtenPerSecond: number
  readonly sentPerSecond: number
  /** What this is known from, in words. */
  readonly restsOn: readonly string[]
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
