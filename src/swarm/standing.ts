import { hasFailed, isOneShot, latestPerSlot, wantedCount } from './judge-services.ts'
import type { SwarmNode } from './nodes.ts'
import type { ServiceView } from './services.ts'
import { isAlive, isServing, isWanted, type TaskView } from './tasks.ts'

/** A service as shown to somebody who looks at it. */
export interface ServiceStanding {
  readonly desired: number
  /** Tasks that run and are healthy; completed ones of a one-shot service. */
  readonly running: number
  /** Tasks that live or are to, by replica; where some are missing, also the last that failed. */
  readonly tasks: readonly TaskView[]
}

/** Pure: what of a service's tasks matters now, out of all that the swarm remembers. */
export function serviceStanding(
  service: ServiceView,
  tasks: readonly TaskView[],
  nodes: readonly SwarmNode[],
): ServiceStanding {
  const own = tasks
    .filter((task) => task.serviceId === service.id)
    .sort((a, b) => (a.slot ?? 0) - (b.slot ?? 0) || (a.createdAt < b.createdAt ? 1 : -1))
  const desired = wantedCount(service, nodes)
  const live = own.filter((task) => isWanted(task) && isAlive(task))
  const serving = live.filter(isServing)
  const completed = isOneShot(service) ? latestPerSlot(own.filter((task) => task.state === 'complete')) : []
  const done = completed.filter((task) => !live.some((other) => other.slot === task.slot))
  const running = serving.length + done.length
  const [failed] = own.filter((task) => hasFailed(task, service)).sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
  const lacking = running < desired && failed !== undefined ? [failed] : []
  return { desired, running, tasks: [...live, ...done, ...lacking] }
}

/** Pure: a node's part in the swarm, in a word: `leader`, `manager`, `worker`, or why it has none (`down`, `drained`). */
export function swarmPart(members: readonly SwarmNode[], name: string): string {
  const same = members.filter((member) => member.name === name)
  const member = same.find(({ state }) => state === 'ready') ?? same[0]
  if (member === undefined) return 'left'
  if (member.state !== 'ready') return member.state
  if (member.availability !== 'active') return member.availability === 'drain' ? 'drained' : 'takes nothing new'
  return member.leader ? 'leader' : member.role
}
