import type { Check } from '../model/check.ts'
import { LabError } from '../model/errors.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import type { OpenLab } from './open-lab.ts'
import { openVolumes } from './volume-nodes.ts'

/** How the pools of a lab's workers that answer are, one check a node. */
export async function poolChecks(open: OpenLab, answering: readonly string[]): Promise<readonly Check[]> {
  const workers = nodesWithRole(open.spec, 'worker').filter(({ name }) => answering.includes(name))
  return Promise.all(workers.map(({ name }) => poolCheck(open, name)))
}

async function poolCheck(open: OpenLab, node: string): Promise<Check> {
  const name = `pool ${node}`
  try {
    const { driver } = await openVolumes(open).node(node)
    const { state, detail, hint } = await driver.health()
    const found = `${driver.name}, ${state === 'ok' ? '' : `${state}: `}${detail}`
    return { name, ok: state === 'ok', detail: found, ...(hint === undefined ? {} : { hint }) }
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    const { message: detail, hint } = error
    return { name, ok: false, detail, ...(hint === undefined ? {} : { hint }) }
  }
}
