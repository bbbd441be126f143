import { join } from 'node:path'
import { LabError } from '../model/errors.ts'
import { waitFor } from '../model/wait.ts'
import { applyEdge } from './edge.ts'
import { withLock } from './lock.ts'
import type { OpenLab } from './open-lab.ts'

/** How long another command may hold the moment in which lab-wide things are given out. */
const TURN_MS = 60_000

/**
 * Does what concerns all apps while no other app's deploy does: names and ports are lab-wide, and two that ask at once
 * must not both be told yes; the edge has one configuration. Waits for its turn; what is done in it is short.
 */
export async function inTurn<T>(lab: OpenLab, work: () => Promise<T>): Promise<T> {
  // No app can be called this, so it is no app's own lock.
  const directory = join(lab.lab.stateDirectory, 'locks', '_lab')
  const { result } = await waitFor(
    async () => {
      const turn = { came: false }
      try {
        return await withLock(directory, 'deploy', async () => {
          turn.came = true
          return { result: await work() }
        })
      } catch (error) {
        if (turn.came || !(error instanceof LabError) || error.code !== 'BUSY') throw error
        return undefined
      }
    },
    { deadlineMs: TURN_MS, what: 'another deploy to let go of the names and the edge', signal: lab.signal },
  )
  return result
}

/** Makes the edge serve the routes of all services, one command at a time. */
export async function applyEdgeInTurn(lab: OpenLab): Promise<boolean> {
  return inTurn(lab, () => applyEdge(lab))
}
