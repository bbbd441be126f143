import { LabError } from '../model/errors.ts'
import type { OpenLab } from './open-lab.ts'

/** Longest a machine may take to boot. */
export const BOOT_DEADLINE_MS = 60_000
/** Longest a machine that has long booted may take to answer: its host may have much to do. */
const ANSWER_DEADLINE_MS = 10_000

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
