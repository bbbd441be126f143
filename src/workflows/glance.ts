import { whenLate } from '../connections/patience.ts'
import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import { openEngine } from '../swarm/engine.ts'
import { firstManager, type OpenLab } from './open-lab.ts'

/**
 * A node that lives answers within this, or within what the others need on a busy host; one that does not is as good as dead
 * to somebody who only looks.
 */
const GLANCE_MS = 1000
/** What a look at one node of many adds. */
const MS_PER_NODE = 60

/**
 * The same lab for somebody who only looks: each node gets one short attempt, however often it is asked for, so that
 * dead nodes cost no more than that once. Closing stays with the lab itself.
 */
export function glance(lab: OpenLab): OpenLab {
  const attempts = new Map<string, Promise<Connection>>()
  const connect = (node: string) => {
    const present = attempts.get(node)
    if (present !== undefined) return present
    const attempt = lab.connect(node, { deadlineMs: GLANCE_MS })
    attempts.set(node, attempt)
    return attempt
  }
  const quick: OpenLab = {
    ...lab,
    connect,
    engine: async (node) => openEngine(await connect(node)),
    manager: () => firstManager(quick),
  }
  return quick
}

/** Longest that looking at `nodes` nodes at once may take in all: they share this host's processors. */
export function lookMs(leastMs: number, nodes: number): number {
  return Math.max(leastMs, MS_PER_NODE * nodes)
}

/**
 * Runs work that only looks, with a deadline that a busy host stretches; throws `NO_ANSWER` when it passes, whether or not the
 * work gives up by itself.
 */
export async function within<T>(
  deadlineMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController()
  const callOff = whenLate(deadlineMs, () => {
    late.abort()
  })
  const signal = AbortSignal.any([outer, late.signal])
  const aborted = new Promise<never>((_, reject) => {
    const fail = () => {
      const late = () => new LabError('NO_ANSWER', `no answer within ${String(deadlineMs)} ms`)
      reject(outer.aborted ? toError(outer.reason) : late())
    }
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail, { once: true })
  })
  return Promise.race([work(signal), aborted]).finally(callOff)
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
