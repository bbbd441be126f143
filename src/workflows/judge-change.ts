import type { LabSpec } from '../model/lab-spec.ts'
import type { Machine } from '../model/provider.ts'

/** A lab as it is, against which a changed lab.yml is held. */
export interface LiveLab {
  readonly machines: readonly Pick<Machine, 'name'>[]
  /** Undefined where the lab has no network yet. */
  readonly subnet: string | undefined
  /** Names of nodes that are workers now and own volumes, with those. */
  readonly volumesOf: ReadonlyMap<string, readonly string[]>
  /** Ids of labs that were made from this directory under other names. */
  readonly namesakes: readonly string[]
}

/** What a changed lab.yml asks of a lab that lives. */
export interface LabChange {
  /** Why it is not done, and what to type; nothing is changed then. */
  readonly refused: readonly { readonly message: string; readonly hint: string }[]
  /** Nodes that lab.yml no longer has: they go once somebody agreed. */
  readonly removed: readonly string[]
}

/** Pure: what of a changed lab.yml cannot be done to the lab that lives, and which nodes it takes away. */
export function judgeChange(spec: LabSpec, live: LiveLab): LabChange {
  const listed = new Set(spec.nodes.map(({ name }) => name))
  const removed = live.machines.map(({ name }) => name).filter((name) => !listed.has(name))
  const refused: LabChange['refused'][number][] = []
  if (live.namesakes.length > 0 && live.machines.length === 0) {
    const [id = ''] = live.namesakes
    const name = id.replace(/-[0-9a-f]{6}$/, '')
    refused.push({
      message: `lab.yml calls this lab "${spec.name}", and "${id}" of the same directory is still there`,
      hint: `give it its name back (name: ${name}); to begin anew: lab destroy with that name, then change it`,
    })
  }
  if (live.subnet !== undefined && spec.subnet !== 'auto' && spec.subnet !== live.subnet) {
    refused.push({
      message: `lab.yml asks for the subnet ${spec.subnet}, and the nodes have their addresses in ${live.subnet} for life`,
      hint: `write subnet: ${live.subnet}, or lab destroy, then lab up`,
    })
  }
  for (const { name, roles } of spec.nodes) {
    const volumes = live.volumesOf.get(name) ?? []
    if (roles.includes('worker') || volumes.length === 0) continue
    refused.push({
      message: `lab.yml takes the role "worker" from ${name}, which owns ${volumes.join(', ')}`,
      hint: `lab volume move --evacuate ${name} with the role given back, then change it`,
    })
  }
  return { refused, removed }
}
