import { LabError } from '../model/errors.ts'
import type { SwarmNode } from '../swarm/nodes.ts'
import { takesTasks } from '../swarm/placement.ts'

/** Pure: workers that can take the volumes of nodes that are emptied, in the order of `workers`. */
export function evacuationTargets(
  workers: readonly string[],
  members: readonly SwarmNode[],
  emptied: readonly string[],
): readonly string[] {
  const ready = members.filter(takesTasks).map(({ name }) => name)
  return workers.filter((name) => ready.includes(name) && !emptied.includes(name))
}

/** What is said where there is no such worker, with what to type for those that there are. */
export function noTarget(
  node: string,
  workers: readonly string[],
  members: readonly SwarmNode[],
  emptied: readonly string[],
): LabError {
  const others = workers.filter((name) => name !== node && !emptied.includes(name))
  const hints = others.flatMap((name) => wayOut(node, name, members) ?? [])
  return new LabError('NO_TARGET', `no other worker than ${node} takes tasks: its volumes have nowhere to go`, {
    where: node,
    hint: hints.length > 0 ? hints.join('; or ') : 'lab node add NAME makes another worker',
  })
}

function wayOut(node: string, other: string, members: readonly SwarmNode[]): string | undefined {
  const same = members.filter(({ name }) => name === other)
  const member = same.find(({ state }) => state === 'ready') ?? same[0]
  if (member === undefined) return `with ${node} in lab.yml, "lab up" makes ${other} first: take ${node} out only then`
  if (member.state !== 'ready') return `lab node start ${other}`
  return member.availability === 'active' ? undefined : `lab node activate ${other}`
}
