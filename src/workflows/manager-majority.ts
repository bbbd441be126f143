import { LabError } from '../model/errors.ts'
import type { Machine } from '../model/provider.ts'
import type { SwarmNode } from '../swarm/nodes.ts'

/** One of the managers that have to agree. A name is there twice where its machine was made anew. */
export interface Voter {
  readonly name: string
  /** It can be asked, as far as anybody knows. */
  readonly answers: boolean
}

/** Pure: the managers that have to agree. One whose machine does not run answers nobody, whatever the others know yet. */
export function votersOf(
  members: readonly Pick<SwarmNode, 'name' | 'manages' | 'reachable' | 'state'>[],
  machines: readonly Pick<Machine, 'name' | 'state' | 'paused'>[],
): readonly Voter[] {
  const runs = (name: string) =>
    machines.some((machine) => machine.name === name && machine.state === 'running' && machine.paused !== true)
  return members
    .filter(({ manages }) => manages)
    .map(({ name, reachable, state }) => ({ name, answers: reachable && state !== 'down' && runs(name) }))
}

/** Pure: names of nodes in the order in which they can go: managers that are lost first, as they are missed by nobody. */
export function leavingOrder(voters: readonly Voter[], names: readonly string[]): readonly string[] {
  const lost = (name: string) => voters.some((voter) => voter.name === name && !voter.answers)
  return [...names.filter(lost), ...names.filter((name) => !lost(name))]
}

/** A manager that cannot go. */
export interface Indispensable {
  readonly name: string
  /** Those of the others that do not answer. */
  readonly lost: readonly string[]
}

/**
 * Pure: the first of nodes, which go one after the other, that the managers cannot do without: those left would be no
 * majority of themselves. Undefined where all can go. It is how the swarm itself judges a demotion.
 */
export function indispensable(voters: readonly Voter[], leaving: readonly string[]): Indispensable | undefined {
  let left = voters
  for (const name of leaving) {
    const entries = left.filter((voter) => voter.name === name)
    for (const entry of entries.toSorted((a, b) => Number(a.answers) - Number(b.answers))) {
      left = left.filter((voter) => voter !== entry)
      const answering = left.filter(({ answers }) => answers).length
      if (answering > left.length / 2) continue
      return { name, lost: left.filter(({ answers }) => !answers).map((voter) => voter.name) }
    }
  }
  return undefined
}

/** What is said of a manager that cannot go now. */
export function lostMajority({ name, lost }: Indispensable): LabError {
  const who = lost.length === 0 ? 'too few of the others would be left' : `${lost.join(', ')} does not answer`
  const [first] = lost
  return new LabError('QUORUM', `without ${name} the managers would have no majority: ${who}`, {
    where: name,
    hint:
      first === undefined
        ? 'lab status'
        : `lab node start ${first}, or, where it is lost for good: lab node replace ${first}; then this again`,
  })
}
