import { LabError } from '../model/errors.ts'
import { nodesWithRole, type Role } from '../model/lab-spec.ts'
import { listNodes } from '../swarm/nodes.ts'
import type { OpenLab } from './open-lab.ts'

/**
 * Names of nodes that have a role by now, whatever lab.yml says meanwhile, and whether or not it still has them. Where no
 * manager can be asked, those that lab.yml gives it to.
 */
export async function nodesInRole(open: OpenLab, role: Role): Promise<readonly string[]> {
  try {
    const { engine } = await open.manager()
    const members = await listNodes(engine, open.signal)
    return members.filter(({ labels }) => `lab.role.${role}` in labels).map(({ name }) => name)
  } catch (error) {
    open.signal.throwIfAborted()
    if (!(error instanceof LabError)) throw error
    return nodesWithRole(open.spec, role).map(({ name }) => name)
  }
}
