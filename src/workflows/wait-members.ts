import { LabError } from '../model/errors.ts'
import { isRemoteError } from '../model/engine-error.ts'
import { waitFor } from '../model/wait.ts'
import { listNodes, type SwarmNode } from '../swarm/nodes.ts'
import { within } from './glance.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** Longest that the swarm may take to see nodes whose machines were started: an election of the engine's own is among it. */
const SEEN_MS = 45_000
/** Longest that one question may take: without a leader an engine keeps it for 20 s. */
const ASK_MS = 2000

/**
 * Waits until a manager leads and the swarm sees every node of lab.yml. A manager that was apart from the others has them
 * elect once more when it is back. One that is not seen in time is a warning: the lab is up, and `lab status` names it.
 */
export async function waitForMembers(open: OpenLab): Promise<void> {
  let unseen = await askUnseen(open)
  if (unseen.length === 0) return
  try {
    await runTask(open.emit, 'wait until the swarm sees every node', () =>
      waitFor(async () => ((unseen = await askUnseen(open)).length === 0 ? true : undefined), {
        deadlineMs: SEEN_MS,
        signal: open.signal,
        what: 'the swarm to see every node',
        lastSeen: () => `not ${unseen.join(', ')}`,
      }),
    )
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'DEADLINE') throw error
    open.emit({ type: 'notice', level: 'warning', message: error.message })
  }
}

async function askUnseen(open: OpenLab): Promise<readonly string[]> {
  const ask = async (signal: AbortSignal) => listNodes((await open.manager()).engine, signal)
  const names = open.spec.nodes.map(({ name }) => name)
  try {
    return unseenNodes(names, await within(ASK_MS, open.signal, ask))
  } catch (error) {
    open.signal.throwIfAborted()
    if (!isRemoteError(error)) throw error
    return names
  }
}

/** Pure: who of these is not ready for the swarm; all of them while nobody leads. */
export function unseenNodes(names: readonly string[], members: readonly SwarmNode[]): readonly string[] {
  if (!members.some(({ leader }) => leader)) return names
  return names.filter((name) => !members.some((member) => member.name === name && member.state === 'ready'))
}
