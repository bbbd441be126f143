import { swarmNodes, type ListedNode } from '../facts/swarm-nodes.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { checkName } from '../model/names.ts'
import { FactUnavailable, type Change, type Step } from '../model/step.ts'

/** Labels of one node of a swarm, changed on a manager. */
export interface NodeLabelOptions {
  /** Name of the node, as the swarm lists it. */
  readonly node: string
  /** Values by label; null for a label that must not be there. Labels that are not named are left alone. */
  readonly labels: Readonly<Record<string, string | null>>
  /** Steps that make the node a member: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/**
 * Labels of a node, for services to be placed by. In a lab the labels of roles and volumes are lab's own and are refused.
 * @example nodeLabel({ node: 'node1', labels: { rack: 'a', former: null } })
 * @throws USAGE: a label starts with `lab.` or is none.
 * @throws FACT_UNAVAILABLE: the engine does not run, is no manager, or lists no such node.
 */
export const nodeLabel = defineStep({
  kind: 'node-label',
  title: ({ node, labels }: NodeLabelOptions) => `labels of ${node}: ${Object.keys(labels).join(', ')}`,
  validate({ node, labels }) {
    checkName('node', node)
    for (const [key, value] of Object.entries(labels)) {
      if (key.startsWith('lab.')) throw new UsageError(`"${key}": labels that start with lab. are lab's own`)
      if (!/^[A-Za-z0-9][A-Za-z0-9_./-]*$/.test(key)) throw new UsageError(`"${key}" is not a label`)
      if (value !== null && /[\n\0]/.test(value)) throw new UsageError(`${key}: a value is one line`)
    }
  },
  facts: () => ({ nodes: swarmNodes }),
  diff({ node, labels }, { nodes }) {
    const found = newest(node, nodes)
    if (found === undefined) throw new FactUnavailable(`the swarm lists no node ${node}`)
    return Object.entries(labels).flatMap(([key, value]): Change[] => {
      const from = found.labels[key]
      const to = value ?? undefined
      return from === to ? [] : [{ path: `label ${key}`, from, to }]
    })
  },
  apply({ node }, changes, { nodes }) {
    const options = changes.flatMap(({ path, to }) => {
      const key = path.replace(/^label /, '')
      return to === undefined ? ['--label-rm', key] : ['--label-add', `${key}=${to}`]
    })
    return [{ argv: ['docker', 'node', 'update', ...options, newest(node, nodes)?.id ?? node] }]
  },
  selfContained: true,
  after: ({ after }) => after ?? [],
})

/** The entry of a name: the others, if there are any, are earlier lives of the same machine. */
function newest(node: string, nodes: readonly ListedNode[]): ListedNode | undefined {
  const entries = nodes.filter(({ hostname }) => hostname === node)
  return entries.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0]
}
