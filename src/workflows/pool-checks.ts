import type { Check } from '../model/check.ts'
import { LabError } from '../model/errors.ts'
import { nodesWithRole, type LabIdentity, type LabSpec } from '../model/lab-spec.ts'
import { openLab, type OpenLab } from './open-lab.ts'
import { openVolumes } from './volume-nodes.ts'

/**
 * How the pools of a lab's running workers are, one check a node. Nothing where there is no lab yet, or where its
 * machines cannot be asked for: what is missing for that has a check of its own.
 */
export async function poolChecks(lab: LabIdentity, spec: LabSpec): Promise<readonly Check[]> {
  const open = await openLab({ lab, spec, emit: () => undefined, signal: new AbortController().signal })
  try {
    const running = (await open.machines()).filter(({ state }) => state === 'running').map(({ name }) => name)
    const workers = nodesWithRole(spec, 'worker').filter(({ name }) => running.includes(name))
    return await Promise.all(workers.map(({ name }) => poolCheck(open, name)))
  } catch (error) {
    if (error instanceof LabError) return []
    throw error
  } finally {
    await open.close()
  }
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
