import { nearest } from '../model/names.ts'
import type { PathProblem } from './issue-text.ts'

/** What is wrong with the names in `links`. */
export function linkProblems(links: unknown, nodes: readonly string[]): readonly PathProblem[] {
  if (!Array.isArray(links)) return []
  return links.flatMap((link: unknown, index) => {
    const members = (link as { nodes?: unknown } | null)?.nodes
    if (!Array.isArray(members)) return []
    return members.flatMap((member: unknown, position): PathProblem[] => {
      if (typeof member !== 'string') return []
      const at = (message: string): PathProblem[] => [
        { path: ['links', index, 'nodes', position], part: 'value', message },
      ]
      if (members.indexOf(member) < position) return at(`"${member}" is listed twice`)
      if (nodes.includes(member)) return []
      const near = nearest(member, nodes)
      return at(`there is no node "${member}"${near === undefined ? '' : `: did you mean "${near}"?`}`)
    })
  })
}
