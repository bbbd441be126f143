import { swarmNodes, type ListedNode } from '../facts/swarm-nodes.ts'
import { defineStep } from '../model/define-step.ts'

/** Who belongs to the lab. */
export interface SwarmDepartedOptions {
  /** Names of the lab's nodes. */
  readonly keep: readonly string[]
}

/**
 * No entries in the swarm's list of nodes that are gone from the lab. A node that still answers is left alone.
 * @example swarmDeparted({ keep: ['mgmt', 'node1'] })
 * @throws FACT_UNAVAILABLE: the engine does not run, or the node is not a manager.
 */
export const swarmDeparted = defineStep({
  kind: 'swarm-departed',
  title: ({ keep }: SwarmDepartedOptions) => `nobody in the swarm beside the lab's ${String(keep.length)} nodes`,
  facts: () => ({ nodes: swarmNodes }),
  diff: (wanted, { nodes }) =>
    departed(wanted, nodes).map(({ hostname, state }) => ({ path: hostname, from: state, to: undefined })),
  apply: (wanted, _changes, { nodes }) =>
    departed(wanted, nodes).map(({ id, role }) => ({
      argv:
        role === 'worker'
          ? ['docker', 'node', 'rm', '--force', id]
          : ['sh', '-c', 'docker node demote "$1"; docker node rm --force "$1"', 'remove', id],
    })),
})

function departed({ keep }: SwarmDepartedOptions, nodes: readonly ListedNode[]): readonly ListedNode[] {
  return nodes.filter(({ hostname, state }) => state === 'down' && !keep.includes(hostname))
}
