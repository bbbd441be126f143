import { availableParallelism, loadavg } from 'node:os'
import pLimit from 'p-limit'

/**
 * Handshakes under way at a time. Each is tens of milliseconds of pure CPU on both ends: fifty begun at once all take as
 * long as the last one, and look like nodes that do not answer.
 */
const HANDSHAKES_AT_ONCE = 8
/** Runs an attempt to reach a node when it is its turn. */
export const inTurn = pLimit(HANDSHAKES_AT_ONCE)

/** How many times as long as asked for a deadline may become, however busy this host is, and how long at the most. */
const MOST = 4
const MOST_MS = 12_000
/** Processes that want a processor, for each there is, with which a host still does everything in time. */
const UNHURRIED = 2
/** A node that lives answers within this many times what the slowest of the others took. */
const SLOWER = 4

let underWay = 0
let slowestMs = 0

/** Processes that want a processor of this host, for each there is, in the last minute; 0 where that is not counted. */
function crowd(): number {
  return (loadavg()[0] ?? 0) / availableParallelism()
}

/**
 * Longest that a deadline of `deadlineMs` may be stretched to now. On a busy host every node is slow, and none of them dead:
 * how long others took is the measure, and how many processes want a processor. While nobody has answered yet and several
 * are asked, nothing is known.
 */
export function stretched(deadlineMs: number, crowding = crowd()): number {
  const unknown = slowestMs === 0 && underWay > 1
  const wantedMs = unknown ? MOST * deadlineMs : Math.max(SLOWER * slowestMs, (crowding / UNHURRIED) * deadlineMs)
  return Math.max(deadlineMs, Math.min(wantedMs, MOST * deadlineMs, MOST_MS))
}

/** Runs one attempt to reach a node, which counts as a measure of this host when it succeeds. */
export async function measured<T>(attempt: () => Promise<T>): Promise<T> {
  const started = performance.now()
  underWay++
  try {
    const reached = await attempt()
    slowestMs = Math.max(slowestMs, performance.now() - started)
    return reached
  } finally {
    underWay--
  }
}

/**
 * Calls `late` when `deadlineMs` have passed, or as much more as nodes need on this host now. The returned function calls
 * it off.
 */
export function whenLate(deadlineMs: number, late: () => void): () => void {
  const started = performance.now()
  let timer: NodeJS.Timeout | undefined
  let over = false
  const look = () => {
    if (over) return
    const leftMs = stretched(deadlineMs) - (performance.now() - started)
    // What arrived while this process itself had no processor is looked at first.
    if (leftMs > 0) timer = setTimeout(() => setImmediate(look), leftMs)
    else late()
  }
  timer = setTimeout(() => setImmediate(look), deadlineMs)
  return () => {
    over = true
    clearTimeout(timer)
  }
}
