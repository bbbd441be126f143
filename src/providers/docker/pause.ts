import type Docker from 'dockerode'
import { engineMessage } from '../../model/engine-error.ts'
import { LabError } from '../../model/errors.ts'
import { waitFor } from '../../model/wait.ts'
import { unlessStatus } from './engine.ts'

/** The engine gives up within a second where processes that are busy in the kernel do not all stand still at once. */
const GIVEN_UP = 'unable to freeze'
/** Longest that it is tried. */
const DEADLINE_MS = 30_000

/** Pauses a node's container; nothing where it is paused already or does not run. Throws `PAUSE_FAILED`. */
export async function pauseContainer(container: Docker.Container, node: string): Promise<void> {
  let refused: unknown
  const pause = async () => {
    try {
      // 409: it is paused already, or does not run.
      await unlessStatus(container.pause(), 404, 409)
      return true
    } catch (error) {
      if (!engineMessage(error).includes(GIVEN_UP)) throw error
      refused = error
      return undefined
    }
  }
  try {
    await waitFor(pause, { deadlineMs: DEADLINE_MS, what: `${node} to stand still` })
  } catch (error) {
    if (refused === undefined || !(error instanceof LabError)) throw error
    throw new LabError('PAUSE_FAILED', `the engine cannot pause ${node}: ${engineMessage(refused)}`, {
      where: node,
      hint: 'try again when the host has less to do',
      cause: refused,
    })
  }
}
