import { ROLES, type GroupSpec, type NodeSpec } from '../model/lab-spec.ts'
import { isName, nearest } from '../model/names.ts'
import type { PathProblem } from './issue-text.ts'

/** What is wrong with the names in `groups`: of the groups themselves, and of their nodes. */
export function groupProblems(groups: unknown, nodes: readonly string[]): readonly PathProblem[] {
  if (typeof groups !== 'object' || groups === null || Array.isArray(groups)) return []
  return Object.entries(groups).flatMap(([group, entry]: [string, unknown]) => {
    const members = (entry as { nodes?: unknown } | null)?.nodes
    const name = nameProblem(group, nodes)
    return [
      ...(name === undefined ? [] : [{ path: ['groups', group], part: 'key' as const, message: name }]),
      ...(Array.isArray(members) ? memberProblems(group, members, nodes) : []),
    ]
  })
}

/** Groups with the names of their nodes, in the order of the lab. */
export function expandGroups(
  groups: Readonly<Record<string, { readonly nodes: readonly string[]; readonly vars: GroupSpec['vars'] }>>,
  nodes: readonly NodeSpec[],
): Readonly<Record<string, GroupSpec>> {
  return Object.fromEntries(
    Object.entries(groups).map(([group, { nodes: members, vars }]) => {
      // A node goes before a role of the same name.
      const names = members.flatMap((member) =>
        nodes.some(({ name }) => name === member)
          ? [member]
          : nodes.filter(({ roles }) => roles.some((role) => role === member)).map(({ name }) => name),
      )
      return [group, { nodes: nodes.map(({ name }) => name).filter((name) => names.includes(name)), vars }]
    }),
  )
}

function nameProblem(group: string, nodes: readonly string[]): string | undefined {
  if (nodes.includes(group)) return `"${group}" is a node already: give the group another name`
  if (group === 'all' || ROLES.some((role) => role === group))
    return `"${group}" means a set of nodes already: give the group another name`
  return isName(group) ? undefined : `"${group}" is not a group name: use a-z, 0-9 and -, at most 63 characters`
}

function memberProblems(group: string, members: readonly unknown[], nodes: readonly string[]): readonly PathProblem[] {
  const known = [...nodes, ...ROLES]
  return members.flatMap((member, index) => {
    if (typeof member !== 'string') return []
    const at = (message: string) => [{ path: ['groups', group, 'nodes', index], part: 'value' as const, message }]
    if (members.indexOf(member) < index) return at(`"${member}" is listed twice`)
    if (known.includes(member)) return []
    const near = nearest(member, known)
    return at(
      `unknown node "${member}"; ${near === undefined ? `known: ${nodes.join(', ')}` : `did you mean "${near}"?`}`,
    )
  })
}
