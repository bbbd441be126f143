import { canWaitForStop, LEAST_PAUSE_MS, pauseOptions, predict, type Round } from './predict.ts'

/** What is known, or taken for granted, before a volume moves. */
export interface MoveConditions {
  /** What the first transfer has to send. */
  readonly firstBytes: number
  /** The target has a snapshot that the first transfer starts from. */
  readonly incremental: boolean
  /** Bytes a second that are written meanwhile. */
  readonly writtenPerSecond: number
  /** Bytes a second from node to node. */
  readonly sentPerSecond: number
  /** How long the service is away when nothing is left to copy; 0: no service. */
  readonly restartMs: number
  /** It was seen, and is not taken for granted: a move refuses a shorter pause. */
  readonly restartIsKnown: boolean
  /** The longest it may be away; see {@link MoveContext.maxPauseMs}. */
  readonly maxPauseMs: number | undefined
}

/** What a move would do. */
export interface Forecast {
  readonly bytes: number
  readonly rounds: number
  readonly downtimeMs: number
  /** A move would refuse to stop the service: it takes too long, or what is left to copy does not get small enough. */
  readonly refused: boolean
}

/** What a transfer takes besides its bytes: a snapshot, a connection between the nodes, looking at what arrived. */
const ROUND_MS = 500

/** Pure: plays a move through, with the same rule that a move goes on copying by. */
export function forecast(conditions: MoveConditions): Forecast {
  const { firstBytes, incremental, writtenPerSecond, sentPerSecond, restartMs, restartIsKnown, maxPauseMs } = conditions
  const options = pauseOptions(maxPauseMs, restartIsKnown ? restartMs : undefined)
  const send = (bytes: number, gatheredMs?: number): Round => {
    return { bytes, durationMs: ROUND_MS + (bytes / Math.max(1, sentPerSecond)) * 1000, gatheredMs }
  }
  const gathered = ({ durationMs }: Round): Round => send((writtenPerSecond * durationMs) / 1000, durationMs)
  const rounds: Round[] = []
  let last: Round | undefined
  const next = () => {
    last = last === undefined ? send(firstBytes) : gathered(last)
    rounds.push(last)
    return last
  }
  let refused = false
  if (!incremental || maxPauseMs !== undefined || !canWaitForStop(firstBytes)) {
    next()
    let prediction = predict(rounds, options)
    while (!prediction.stop) {
      next()
      prediction = predict(rounds, options)
    }
    refused = maxPauseMs !== undefined && prediction.reason !== 'goal'
  }
  // One while the engine stops the service, and the last one once it has.
  if (restartMs > 0) next()
  const { durationMs } = next()
  const downtimeMs = restartMs === 0 ? 0 : Math.round(Math.max(restartMs, LEAST_PAUSE_MS) + durationMs - ROUND_MS)
  return {
    bytes: Math.round(rounds.reduce((sum, { bytes }) => sum + bytes, 0)),
    rounds: rounds.length,
    downtimeMs,
    refused: refused || (restartIsKnown && maxPauseMs !== undefined && downtimeMs > maxPauseMs),
  }
}
