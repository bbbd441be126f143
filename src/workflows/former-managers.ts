import { keptSwarm, type KeptSwarm } from '../facts/kept-swarm.ts'
import { LabError } from '../model/errors.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import type { Machine } from '../model/provider.ts'
import type { Applied } from './applied.ts'
import type { OpenLab } from './open-lab.ts'

/** What is known of a swarm that no manager of lab.yml answers for. */
export interface SwarmTraces {
  /** Names of lab.yml's managers. */
  readonly wanted: readonly string[]
  readonly machines: readonly Pick<Machine, 'name' | 'address'>[]
  /** What the disks of machines that answer say. */
  readonly told: readonly (KeptSwarm & { readonly name: string })[]
  /** Managers after the last `up`. */
  readonly noted: readonly string[]
  /** Machines that lab.yml does not have are not listed, and may be there. */
  readonly listsSpecOnly?: boolean
}

/**
 * Pure: who has the swarm, where none of lab.yml's managers has it: machines with its records, else those that members know
 * as their managers, else those that were managers at last. None where a manager of lab.yml is among them, or nobody is left.
 */
export function formerManagers({
  wanted,
  machines,
  told,
  noted,
  listsSpecOnly = false,
}: SwarmTraces): readonly string[] {
  const answering = new Set(told.map(({ name }) => name))
  const known = new Set(told.flatMap(({ managers }) => managers))
  const keepers = told.filter(({ keeps }) => keeps).map(({ name }) => name)
  const named = machines.filter(({ name, address }) => known.has(address) && !answering.has(name))
  const there = noted.filter((name) => listsSpecOnly || machines.some((machine) => machine.name === name))
  const holders = [keepers, named.map(({ name }) => name), there].find((each) => each.length > 0) ?? []
  return holders.some((name) => wanted.includes(name)) ? [] : holders
}

/** Who has the swarm where no manager of lab.yml answers for it. Seldom, and then every machine that runs is asked. */
export async function findFormerManagers(open: OpenLab, applied: Applied | undefined): Promise<readonly string[]> {
  const machines = await open.machines()
  if (machines.length === 0) return []
  const ask = async ({ name }: Machine): Promise<SwarmTraces['told']> => {
    try {
      return [{ name, ...keptSwarm.parse(await (await open.connect(name)).script(keptSwarm.script)) }]
    } catch (error) {
      open.signal.throwIfAborted()
      if (!(error instanceof LabError)) throw error
      return []
    }
  }
  const running = machines.filter(({ state, paused }) => state === 'running' && paused !== true)
  return formerManagers({
    wanted: nodesWithRole(open.spec, 'manager').map(({ name }) => name),
    machines,
    told: (await Promise.all(running.map(ask))).flat(),
    noted: applied?.managers ?? [],
    listsSpecOnly: open.provider.listsSpecOnly === true,
  })
}
