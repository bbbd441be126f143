import type { NodeSpec } from '../model/lab-spec.ts'
import type { MachineLimits } from '../model/provider.ts'
import { bytesText } from '../model/bytes-text.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** A node whose machine has other limits than lab.yml says. */
export interface LimitChange {
  readonly node: NodeSpec
  readonly from: MachineLimits
  readonly to: MachineLimits
}

/** Machines whose limits differ from lab.yml, where that can be changed; none where it cannot. */
export async function limitChanges(
  open: OpenLab,
  concerns: (name: string) => boolean = () => true,
): Promise<readonly LimitChange[]> {
  const { limits } = open.provider
  if (limits === undefined) return []
  const machines = new Set((await open.machines()).map(({ name }) => name))
  const asked = open.spec.nodes.filter(({ name }) => machines.has(name) && concerns(name))
  const found = await Promise.all(
    asked.map(async (node): Promise<readonly LimitChange[]> => {
      const from = await limits.read(node.name)
      const to = await limits.effective({ memoryBytes: node.memoryBytes, cpus: node.cpus })
      return from === undefined || (from.memoryBytes === to.memoryBytes && from.cpus === to.cpus)
        ? []
        : [{ node, from, to }]
    }),
  )
  return found.flat()
}

/** Gives machines the limits of lab.yml while they run: those that were not just made with them. */
export async function adjustLimits(open: OpenLab, wasThere: (name: string) => boolean): Promise<void> {
  const { limits } = open.provider
  if (limits === undefined) return
  for (const { node, to } of await limitChanges(open, wasThere)) {
    const work = () => limits.apply(node.name, to)
    await runTask(open.emit, `give ${node.name} ${limitsText(to)}`, work, { node: node.name })
  }
}

/** Pure: limits in words. */
export function limitsText({ memoryBytes, cpus }: MachineLimits): string {
  const memory = memoryBytes === undefined ? 'memory without a limit' : `${bytesText(memoryBytes)} of memory`
  return `${memory}, ${cpus === undefined ? 'all processors' : `${String(cpus)} processors`}`
}
