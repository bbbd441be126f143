import { LabError } from '../model/errors.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { listNodes } from '../swarm/nodes.ts'
import { indispensable, leavingOrder, lostMajority } from './manager-majority.ts'
import type { OpenLab } from './open-lab.ts'

/**
 * Looks, while some nodes are `lost`, whether the managers can do without those from which lab.yml takes the role. Throws
 * `QUORUM` where they cannot: the swarm would refuse it only once other nodes have been changed.
 */
export async function checkDemotions(open: OpenLab, lost: readonly string[]): Promise<void> {
  const staying = nodesWithRole(open.spec, 'manager').map(({ name }) => name)
  // In a lab that is new there is nobody to ask.
  if (lost.length === 0 || staying.every((name) => lost.includes(name))) return
  const members = await knownMembers(open)
  const voters = members.filter(({ manages }) => manages).map(({ name }) => ({ name, answers: !lost.includes(name) }))
  const leaving = open.spec.nodes.map(({ name }) => name).filter((name) => !staying.includes(name))
  const missed = indispensable(voters, leavingOrder(voters, leaving))
  if (missed !== undefined) throw lostMajority(missed)
}

/** Nobody where there is no swarm yet, or none that answers. */
async function knownMembers(open: OpenLab): ReturnType<typeof listNodes> {
  try {
    const { engine } = await open.manager()
    return await listNodes(engine, open.signal)
  } catch (error) {
    if (error instanceof LabError && error.code === 'NO_MANAGER') return []
    throw error
  }
}
