/** What one pre-copy round showed. */
export interface Round {
  readonly bytes: number
  /** How long sending took. */
  readonly durationMs: number
  /** How long the bytes of this round had been gathering: from the snapshot before to this one. Undefined: round 0. */
  readonly gatheredMs: number | undefined
}

/** When to stop copying while the service runs. */
export interface StopOptions {
  /** Copying time in the pause that is small enough. */
  readonly goalMs: number
  readonly maxRounds: number
  /** Most time for all rounds. */
  readonly capMs: number
  /** A round of this and less is as good as none: sending anything at all takes as long. */
  readonly smallBytes: number
}

const STOP_OPTIONS: StopOptions = { goalMs: 500, maxRounds: 6, capMs: 30 * 60_000, smallBytes: 1024 * 1024 }

/**
 * Bytes that are copied while the engine stops a service, which takes it 3 s before it even asks the service to (1 s until
 * its agent tries again, 2 s for the news that the name is gone): at the rate of small random writes, a second.
 */
const COPIED_WHILE_STOPPING_BYTES = 8 * 1024 * 1024

/** Pure: whether what the target lacks is so little that it need not be copied before the service is stopped. */
export function canWaitForStop(missingBytes: number): boolean {
  return missingBytes <= COPIED_WHILE_STOPPING_BYTES
}

/** What stopping a service, handing its volume over and starting it take at the least, whatever is left to copy. */
export const LEAST_PAUSE_MS = 1000

/**
 * Pure: how long to go on copying for a pause of at most this; undefined: as is best. `restartMs` is for how long the service
 * was away when the volume moved last, where that is known: it has the last bit of copying in it.
 */
export function pauseOptions(maxPauseMs: number | undefined, restartMs: number | undefined): StopOptions {
  if (maxPauseMs === undefined) return STOP_OPTIONS
  const leftMs = maxPauseMs - Math.max(LEAST_PAUSE_MS, (restartMs ?? 0) - STOP_OPTIONS.goalMs)
  // A promise needs to know the dirty rate.
  return { ...STOP_OPTIONS, goalMs: Math.max(0, leftMs), maxRounds: 20, smallBytes: 0 }
}

/** What is to be expected, and whether to go on. */
export interface Prediction {
  readonly stop: boolean
  readonly reason: 'goal' | 'not-shrinking' | 'rounds' | 'time' | undefined
  /** Bytes the next increment would have, and the time it would take. */
  readonly nextBytes: number
  readonly nextMs: number
}

/** A round below this share of the one before it still shrinks. */
const SHRINKS_BELOW = 0.9

/**
 * Pure: whether another round pays. With rate B and dirty rate D a round leaves D/B of the one before it, so rounds
 * shrink until they are as small as what gathers during the shortest one; after that more of them gain nothing. Rates
 * are taken from the last round, because small random writes travel several times slower than a first, sequential copy.
 */
export function predict(rounds: readonly Round[], options: StopOptions = STOP_OPTIONS): Prediction {
  const last = rounds.at(-1)
  if (last === undefined) return { stop: false, reason: undefined, nextBytes: 0, nextMs: 0 }
  const rate = last.bytes / Math.max(1, last.durationMs)
  // After the first round nothing is known of the dirty rate: another round tells, unless that was an increment of next
  // to nothing since the last move.
  const dirty = last.gatheredMs === undefined ? undefined : last.bytes / Math.max(1, last.gatheredMs)
  const nextBytes = dirty === undefined ? last.bytes : dirty * last.durationMs
  const nextMs = nextBytes / Math.max(1e-9, rate)
  const total = rounds.reduce((sum, { durationMs }) => sum + durationMs, 0)
  const small = last.bytes <= options.smallBytes
  const reason =
    small || (dirty !== undefined && nextMs <= options.goalMs)
      ? 'goal'
      : rounds.length >= options.maxRounds
        ? 'rounds'
        : total >= options.capMs
          ? 'time'
          : stalled(rounds)
            ? 'not-shrinking'
            : undefined
  return { stop: reason !== undefined, reason, nextBytes: Math.round(nextBytes), nextMs: Math.round(nextMs) }
}

/** Two rounds one after the other that shrank by less than a tenth. */
function stalled(rounds: readonly Round[]): boolean {
  const [third, second, first] = [rounds.at(-3), rounds.at(-2), rounds.at(-1)]
  if (third === undefined || second === undefined || first === undefined) return false
  return second.bytes > third.bytes * SHRINKS_BELOW && first.bytes > second.bytes * SHRINKS_BELOW
}
