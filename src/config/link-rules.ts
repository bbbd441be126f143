import { nearest } from '../model/names.ts'
import type { PathProblem } from './issue-text.ts'
import { membersByNetwork } from './network-rules.ts'

/** What is wrong with the names in `links`: of nodes, and of networks with who is on them. */
export function linkProblems(
  file: Readonly<Record<string, unknown>>,
  entries: readonly { readonly index: number; readonly names: readonly string[] }[],
): readonly PathProblem[] {
  const { links } = file
  if (!Array.isArray(links)) return []
  const all = entries.flatMap(({ names }) => names)
  const networks = membersByNetwork(file, entries)
  return links.flatMap((link: unknown, index) => {
    const { nodes: members, network } = (link ?? {}) as { readonly nodes?: unknown; readonly network?: unknown }
    const at = (path: readonly PropertyKey[], message: string): readonly PathProblem[] => [
      { path: ['links', index, ...path], part: 'value', message },
    ]
    const on = typeof network === 'string' ? networks.get(network) : undefined
    if (typeof network === 'string' && on === undefined)
      return at(['network'], `there is no network "${network}"${suggestion(network, [...networks.keys()])}`)
    if (!Array.isArray(members)) return []
    return members.flatMap((member: unknown, position): readonly PathProblem[] => {
      if (typeof member !== 'string') return []
      const path = ['nodes', position]
      if (members.indexOf(member) < position) return at(path, `"${member}" is listed twice`)
      if (!all.includes(member)) return at(path, `there is no node "${member}"${suggestion(member, all)}`)
      if (on === undefined || on.includes(member)) return []
      return at(path, `${member} is not on the network ${String(network)}: give it networks: [${String(network)}]`)
    })
  })
}

function suggestion(typed: string, known: readonly string[]): string {
  const near = nearest(typed, known)
  return near === undefined ? '' : `: did you mean "${near}"?`
}
