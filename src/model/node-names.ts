import { ROLES, type GroupSpec, type NodeSpec } from './lab-spec.ts'
import { unknownName } from './names.ts'

/** Stands for every node. */
const ALL = 'all'

/**
 * Nodes by their names, by groups of `lab.yml` or by roles, in the order of the lab. Throws `UsageError` for a name that
 * means nothing.
 */
export function nodesNamed<N extends NodeSpec>(names: readonly string[], nodes: readonly N[]): readonly N[] {
  const found = new Set<N>()
  for (const name of names) {
    for (const node of nodesOf(name, nodes)) found.add(node)
  }
  return nodes.filter((node) => found.has(node))
}

/** What `--limit`, `--on` and a play's `hosts` may say. */
export function targetNames(nodes: readonly NodeSpec[]): readonly string[] {
  const groups = nodes.flatMap((node) => node.groups ?? [])
  const roles = ROLES.filter((role) => nodes.some((node) => node.roles.includes(role)))
  return [...new Set([...nodes.map(({ name }) => name), ...groups, ...roles, ALL])]
}

/** Nodes that know which groups they are in. */
export function withGroups<N extends NodeSpec>(
  nodes: readonly N[],
  groups: Readonly<Record<string, GroupSpec>> = {},
): readonly N[] {
  return nodes.map((node) => {
    const names = Object.keys(groups).filter((group) => groups[group]?.nodes.includes(node.name) === true)
    return names.length === 0 ? node : { ...node, groups: names }
  })
}

/** A node goes before a group, and a group before a role of the same name. */
function nodesOf<N extends NodeSpec>(name: string, nodes: readonly N[]): readonly N[] {
  if (name === ALL) return nodes
  const tests: readonly ((node: N) => boolean)[] = [
    (node) => node.name === name,
    (node) => node.groups?.includes(name) === true,
    (node) => node.roles.some((role) => role === name),
  ]
  for (const test of tests) {
    const found = nodes.filter(test)
    if (found.length > 0) return found
  }
  // A role that nobody has here is no typing error: a play for it has nothing to do.
  if (ROLES.some((role) => role === name)) return []
  throw unknownName('node or group', name, targetNames(nodes))
}
