import { LabError } from '../model/errors.ts'
import { waitFor } from '../model/wait.ts'
import type { OpenLab } from './open-lab.ts'

/** Longest a machine may take to boot. */
export const BOOT_DEADLINE_MS = 60_000
/** Longest a machine that has long booted may take to answer: its host may have much to do. */
const ANSWER_DEADLINE_MS = 10_000
/** Between two looks at whether a machine that boots still runs. */
const LOOK_MS = 1000

/**
 * Connects to a machine that was just started, once it has booted. Throws `UNREACHABLE`, at once where the machine stops
 * meanwhile.
 */
export async function awaitBoot(open: OpenLab, node: string): Promise<void> {
  const stopped = new AbortController()
  const connected = new AbortController()
  const watch = waitFor(async () => (await open.provider.silence?.(node)) === undefined || undefined, {
    deadlineMs: BOOT_DEADLINE_MS,
    intervalMs: LOOK_MS,
    what: `${node} to stop`,
    signal: connected.signal,
  })
  // Where it cannot be told, or does not happen, the deadline of the connection is what counts.
  const told = watch.then(
    () => {
      const hint = 'lab up starts it again; lab doctor looks at the host'
      stopped.abort(new LabError('UNREACHABLE', `${node} stopped while it booted`, { where: node, hint }))
    },
    () => undefined,
  )
  try {
    const signal = open.provider.silence === undefined ? undefined : stopped.signal
    await open.connect(node, { bootDeadlineMs: BOOT_DEADLINE_MS, signal })
  } finally {
    connected.abort()
    await told
  }
}

/**
 * Connects to a machine that was running before. One that may still boot is waited for; one that should answer and does
 * not is not: throws `UNREACHABLE` with why, as far as its provider knows, and what to type.
 */
export async function awaitAnswer(open: OpenLab, node: string): Promise<void> {
  let error: unknown
  try {
    await open.connect(node)
    return
  } catch (thrown) {
    error = thrown
  }
  if (!isSilent(error)) throw error
  const before = await open.provider.silence?.(node)
  if (before?.reason === undefined) {
    const bootDeadlineMs = Math.max(BOOT_DEADLINE_MS - (before?.runningMs ?? 0), ANSWER_DEADLINE_MS)
    try {
      await open.connect(node, { bootDeadlineMs })
      return
    } catch (thrown) {
      error = thrown
    }
    if (!isSilent(error)) throw error
  }
  const silence = await open.provider.silence?.(node)
  if (silence === undefined) throw error
  const why = silence.reason === undefined ? error.message : `${node} does not answer: ${silence.reason}`
  throw new LabError('UNREACHABLE', why, { where: error.where, hint: silence.hint, cause: error })
}

function isSilent(error: unknown): error is LabError {
  return error instanceof LabError && error.code === 'UNREACHABLE'
}
