import { isName } from '../model/names.ts'
import type { PathProblem } from './issue-text.ts'

/** What is wrong with the names of disks. */
export function diskProblems(file: Readonly<Record<string, unknown>>): readonly PathProblem[] {
  const nodes = Array.isArray(file['nodes']) ? (file['nodes'] as readonly unknown[]) : []
  return nodes.flatMap((node, index) => {
    const { disks } = (node ?? {}) as { readonly disks?: unknown }
    if (typeof disks !== 'object' || disks === null || Array.isArray(disks)) return []
    return Object.keys(disks).flatMap((disk): readonly PathProblem[] => {
      const at = (message: string): readonly PathProblem[] => [
        { path: ['nodes', index, 'disks', disk], part: 'key', message },
      ]
      if (!isName(disk))
        return at(`"${disk}" is not a disk name: use a-z, 0-9 and -, at most 63 characters, no - at the ends`)
      return /-part\d+$/.test(disk) ? at(`"${disk}" is what a partition of another disk is called`) : []
    })
  })
}
