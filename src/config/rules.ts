import * as z from 'zod'
import { ROLES, type Role } from '../model/lab-spec.ts'
import { isName, RESERVED_NAMES } from '../model/names.ts'
import { cidrCapacity, cidrProblem } from './cidr.ts'
import { namesOf, type Numbering } from './expand.ts'
import type { PathProblem } from './issue-text.ts'
import { diskProblems } from './disk-rules.ts'
import { edgeProblems } from './edge-rules.ts'
import { groupProblems } from './groups.ts'
import { linkProblems } from './link-rules.ts'
import { networkProblems } from './network-rules.ts'
import { sshProblems } from './ssh-rules.ts'
import { labFileSchema, nodeEntrySchema } from './schema.ts'

/** Roles that one node has: the lab has one registry, one place for logs, one builder. */
const SINGLE: readonly Role[] = ['build', 'registry', 'logs']

/**
 * What one value alone cannot show: names used twice, roles nobody or too many have, a network too small. Works on the
 * file as it is, so that these problems are found together with those of single values.
 */
export function ruleProblems(file: Readonly<Record<string, unknown>>): readonly PathProblem[] {
  const { nodes = labFileSchema.parse({}).nodes } = file
  const entries = (Array.isArray(nodes) ? nodes : []).flatMap((node: unknown, index) => {
    const numbering = numberingSchema.safeParse(node)
    const roles = rolesSchema.safeParse(node)
    if (!numbering.success) return []
    return [{ index, names: namesOf(numbering.data), ...numbering.data, roles: roles.data?.roles }]
  })
  const complete = Array.isArray(nodes) && entries.length === nodes.length && entries.every((entry) => entry.roles)
  return [
    ...nameProblems(entries),
    ...duplicateNames(entries),
    ...roleProblems(entries, complete),
    ...subnetProblems(file['subnet'], entries.flatMap((entry) => entry.names).length),
    ...duplicateApps(file['apps']),
    ...edgeProblems(file['edge']),
    ...sshProblems(file),
    ...groupProblems(
      file['groups'],
      entries.flatMap((entry) => entry.names),
    ),
    ...networkProblems(file, entries),
    ...diskProblems(file),
    ...linkProblems(file, entries),
  ]
}

const { name, count, start, roles } = nodeEntrySchema.shape
const numberingSchema = z.object({ name, count, start })
const rolesSchema = z.object({ roles })

interface Entry extends Numbering {
  readonly index: number
  readonly names: readonly string[]
  /** Undefined when they are not valid. */
  readonly roles: readonly Role[] | undefined
}

function nameProblems(nodes: readonly Entry[]): readonly PathProblem[] {
  return nodes.flatMap(({ index, names, count, start }) => {
    if (start !== undefined && count === undefined)
      return [problem(['nodes', index, 'start'], '"start" needs "count" beside it: how many nodes to number')]
    const reserved = names.find((name) => RESERVED_NAMES.includes(name))
    if (reserved !== undefined) {
      const message = `"name": "${reserved}" is a name the lab itself answers to: choose another`
      return [problem(['nodes', index, 'name'], message)]
    }
    const long = names.find((name) => !isName(name))
    if (long === undefined) return []
    return [problem(['nodes', index, 'name'], `"${long}" is not a node name: at most 63 characters`)]
  })
}

function duplicateNames(nodes: readonly Entry[]): readonly PathProblem[] {
  const seen = new Map<string, number>()
  return nodes.flatMap(({ index, names }) =>
    names.flatMap((name) => {
      const first = seen.get(name)
      if (first === undefined) {
        seen.set(name, index)
        return []
      }
      return [
        problem(['nodes', index, 'name'], `a node called "${name}" is there already (entry ${String(first + 1)})`),
      ]
    }),
  )
}

function roleProblems(nodes: readonly Entry[], complete: boolean): readonly PathProblem[] {
  return ROLES.flatMap((role) => {
    const holders = nodes.flatMap(({ index, names, roles }) =>
      roles?.includes(role) === true ? names.map((name) => ({ index, name })) : [],
    )
    const [first, second] = holders
    if (first === undefined)
      return complete ? [problem(['nodes'], `no node has the role "${role}": give it to one of them`, 'key')] : []
    if (second === undefined || !SINGLE.includes(role)) return []
    const message = `only one node can have the role "${role}", and ${first.name} has it: take it from ${second.name}`
    return [problem(['nodes', second.index, 'roles'], message)]
  })
}

function subnetProblems(subnet: unknown, count: number): readonly PathProblem[] {
  if (typeof subnet !== 'string' || subnet === 'auto' || cidrProblem(subnet) !== undefined) return []
  // One is the lab's way in.
  const room = cidrCapacity(subnet) - 1
  return count <= room
    ? []
    : [problem(['subnet'], `${subnet} holds ${String(room)} nodes, and there are ${String(count)}`)]
}

function duplicateApps(apps: unknown): readonly PathProblem[] {
  if (!Array.isArray(apps)) return []
  return apps.flatMap((app: unknown, index) =>
    apps.indexOf(app) < index && typeof app === 'string' ? [problem(['apps', index], `"${app}" is listed twice`)] : [],
  )
}

function problem(path: readonly PropertyKey[], message: string, part: PathProblem['part'] = 'value'): PathProblem {
  return { path, part, message }
}
