import { LabError } from '../model/errors.ts'
import { waitForMachines, writeKnownHosts } from './machines.ts'
import type { OpenLab } from './open-lab.ts'
import { settle } from './settle.ts'
import { convergeSite } from './up.ts'

/** What `up` does once machines were started that had been set up before: what their engines did not start, it mends. */
export async function afterStart(open: OpenLab, names: readonly string[]): Promise<void> {
  open.refresh()
  await waitForMachines(open, names, { booted: true })
  await writeKnownHosts(open)
  const limit = names.filter((name) => open.spec.nodes.some((node) => node.name === name))
  const { failed } = await convergeSite(open, 'apply', { limit })
  if (failed > 0) {
    throw new LabError('NOT_CONVERGED', 'the nodes run again, but not everything on them came back', { hint: 'lab up' })
  }
  await settle(open, { restarted: true })
}
