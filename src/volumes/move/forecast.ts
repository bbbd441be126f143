import { LEAST_PAUSE_MS, pauseOptions, predict, type Round } from './predict.ts'

/** What is known, or taken for granted, before a volume moves. */
export interface MoveConditions {
  /** What the first transfer has to send. */
  readonly firstBytes: number
  /** Bytes a second that are written meanwhile. */
  readonly writtenPerSecond: number
  /** Bytes a second from node to node. */
  readonly sentPerSecond: number
  /** How long the service is away when nothing is left to copy; 0: no service. */
  readonly restartMs: number
  /** The longest it may be away; see {@link MoveContext.maxPauseMs}. */
  readonly maxPauseMs: number | undefined
}

/** What a move would do. */
export interface Forecast {
  readonly bytes: number
  readonly rounds: number
  readonly downtimeMs: number
  /** A move would refuse to stop the service: what is left to copy does not get small enough. */
  readonly refused: boolean
}

/** What a transfer takes besides its bytes: a snapshot, a connection between the nodes, looking at what arrived. */
const ROUND_MS = 500

/** Pure: plays a move through, with the same rule that a move goes on copying by. */
export function forecast(conditions: MoveConditions): Forecast {
  const { firstBytes, writtenPerSecond, sentPerSecond, restartMs, maxPauseMs } = conditions
  const options = pauseOptions(maxPauseMs)
  const send = (bytes: number, gatheredMs?: number): Round => {
    return { bytes, durationMs: ROUND_MS + (bytes / Math.max(1, sentPerSecond)) * 1000, gatheredMs }
  }
  const gathered = ({ durationMs }: Round): Round => send((writtenPerSecond * durationMs) / 1000, durationMs)
  const rounds = [send(firstBytes)]
  let last = rounds[0] ?? send(firstBytes)
  let { stop, reason, small } = predict(rounds, options)
  while (!stop) {
    last = gathered(last)
    rounds.push(last)
    ;({ stop, reason, small } = predict(rounds, options))
  }
  // One while the engine stops the service, and the last one once it has.
  if (restartMs > 0 && !small) rounds.push((last = gathered(last)))
  last = gathered(last)
  rounds.push(last)
  return {
    bytes: Math.round(rounds.reduce((sum, { bytes }) => sum + bytes, 0)),
    rounds: rounds.length,
    downtimeMs: restartMs === 0 ? 0 : Math.round(Math.max(restartMs, LEAST_PAUSE_MS) + last.durationMs - ROUND_MS),
    refused: maxPauseMs !== undefined && reason !== 'goal',
  }
}
