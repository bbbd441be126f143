import type { NodeView } from './node-troubles.ts'

/** Pure: whether the edge of a node takes clients, as far as the node says. */
function answers({ health }: NodeView): boolean {
  return health?.edge !== undefined && health.edge !== '000'
}

/**
 * Pure: what is wrong with the edges, a sentence each: one on a node that lives and does not answer, and how many are
 * left. `edges` are the names of their nodes. What is wrong with the nodes themselves is said elsewhere.
 */
export function edgeTroubles(edges: readonly string[], views: readonly NodeView[]): readonly string[] {
  const seen = views.filter(({ name }) => edges.includes(name))
  const dead = seen.filter((view) => view.health !== undefined && !answers(view)).map(({ name }) => name)
  const blind = seen.filter(({ health }) => health?.edge === '503').map(({ name }) => name)
  const left = seen.filter(answers).map(({ name }) => name)
  // A node whose SSH server is away says nothing; its edge may well answer.
  const unknown = seen.filter(({ health, silence }) => health === undefined && silence !== undefined)
  return [
    ...dead.map((name) => `the edge on ${name} does not answer (lab up)`),
    ...(blind.length === 0 || blind.length === left.length
      ? []
      : blind.map((name) => `the edge on ${name} reaches no task, and others do: clients are led to those`)),
    ...standing(edges, left, unknown),
  ]
}

function standing(
  edges: readonly string[],
  left: readonly string[],
  unknown: readonly Pick<NodeView, 'name'>[],
): readonly string[] {
  const gone = edges.filter((edge) => !left.includes(edge) && !unknown.some(({ name }) => name === edge))
  if (gone.length === 0) return []
  const [only] = left
  if (only === undefined) {
    if (unknown.length > 0) return []
    const all = edges.length === 1 ? 'the edge is' : 'all edges are'
    return [`${all} away (${edges.join(', ')}): no URL of an app answers until one is back (lab up)`]
  }
  const away = gone.join(', ')
  return left.length === 1
    ? [`${only} is the last edge that answers (${away} away): one more lost and no URL does (lab up)`]
    : [`${left.join(' and ')} answer for all edges: ${away} is away (lab up)`]
}
