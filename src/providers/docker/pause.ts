import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { engineMessage } from '../../model/engine-error.ts'
import { LabError } from '../../model/errors.ts'
import { waitFor } from '../../model/wait.ts'
import { unlessStatus } from './engine.ts'
import { freezerOf } from './freezer.ts'

/** The engine gives up within a second where processes that are busy in the kernel do not all stand still at once. */
const GIVEN_UP = 'unable to freeze'
/** Longest that it is tried. */
const DEADLINE_MS = 30_000
/** The engine ends a pause sooner than this, unless something keeps it from ever ending it. */
const STUCK_MS = 10_000

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

/** Lets a node's paused container go on, and returns when the engine says so too. Throws `RESUME_FAILED`. */
export async function resumeContainer(
  engine: Docker,
  name: string,
  node: string,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  await endPause(engine, name, node)
  // An engine that is stuck answers nothing at all.
  const late = AbortSignal.timeout(deadlineMs)
  // It may hear of a pause only after it ended it, and says "paused" until it hears of the end as well.
  const running = async () => {
    const found = await unlessStatus(engine.getContainer(name).inspect({ abortSignal: late }), 404)
    return found?.State.Paused === true ? undefined : true
  }
  try {
    await waitFor(running, { deadlineMs, intervalMs: 20, signal: late, what: `${node} to go on` })
  } catch (error) {
    if (!late.aborted && !(error instanceof LabError)) throw error
    const seconds = String(Math.round(deadlineMs / 1000))
    throw new LabError(
      'RESUME_FAILED',
      `the engine was told to let ${node} go on, and does not say so in ${seconds} s`,
      {
        where: node,
        hint: `docker inspect --format '{{.State.Status}}' ${name} (what the engine says), then: lab node heal ${node}`,
        cause: error,
      },
    )
  }
}

/**
 * Ends a pause; nothing where there is none. Of an exec that had just begun when it was paused the
 * engine waits for the process to say that it runs, for ever, and answers nothing about the container meanwhile. A freezer
 * that is open for a moment lets that go on; then the engine may have to find the container frozen once more.
 */
async function endPause(engine: Docker, name: string, node: string): Promise<void> {
  // 409: it is not paused.
  const unpause = () => unlessStatus(engine.getContainer(name).unpause(), 404, 409)
  const outcome = unpause().then(
    () => ({ ended: true }) as const,
    (error: unknown) => ({ ended: false, error }) as const,
  )
  const late = new AbortController()
  const inTime = await Promise.race([outcome, delay(STUCK_MS, undefined, { signal: late.signal, ref: false })])
  late.abort()
  if (inTime?.ended === true) return
  if (inTime !== undefined) throw inTime.error

  // The list is what the engine tells of a container that it holds on to.
  const found = await engine.listContainers({ all: true, filters: { name: [`^/${name}$`] } })
  const freezer = found[0] === undefined ? undefined : await freezerOf(found[0].Id)
  if (freezer === undefined) {
    throw new LabError(
      'RESUME_FAILED',
      `the engine does not let ${node} go on: a docker exec in it began as it was paused`,
      {
        where: node,
        hint: 'run this as root; where the engine is in a machine of its own (Docker Desktop), restart it',
      },
    )
  }
  await freezer.thaw()
  if ((await outcome).ended) return
  await freezer.freeze()
  await unpause()
}
