import { LabError } from '../model/errors.ts'
import { nodesWithRole, type Role } from '../model/lab-spec.ts'
import { listNodes } from '../swarm/nodes.ts'
import type { OpenLab } from './open-lab.ts'

/**
 * Who has each of the roles by now, by name, whatever lab.yml says meanwhile, and whether or not it still has those nodes.
 * Where no manager can be asked, those that lab.yml gives it to.
 */
export async function roleHolders(open: OpenLab, roles: readonly Role[]): Promise<readonly (readonly string[])[]> {
  try {
    const { engine } = await open.manager()
    const members = await listNodes(engine, open.signal)
    return roles.map((role) => members.filter(({ labels }) => `lab.role.${role}` in labels).map(({ name }) => name))
  } catch (error) {
    open.signal.throwIfAborted()
    if (!(error instanceof LabError)) throw error
    return roles.map((role) => nodesWithRole(open.spec, role).map(({ name }) => name))
  }
}
