import { EDGE_HEALTH_PORT } from '../model/edge-route.ts'
import { ENGINE_DIAGNOSTIC_PORT, GOSSIP_PORT, REGISTRY_PORT, RELP_PORT, SWARM_PORT } from '../model/names.ts'
import type { PathProblem } from './issue-text.ts'
import { labFileSchema } from './schema.ts'

/** What a node itself answers on TCP. A port of the edge would lead all of it to the apps, and nobody could log in any more. */
const OF_NODES: ReadonlyMap<number, string> = new Map([
  [22, 'its SSH server'],
  [53, 'its name server'],
  [SWARM_PORT, 'the swarm'],
  [RELP_PORT, 'the logs'],
  [REGISTRY_PORT, 'the registry'],
  [EDGE_HEALTH_PORT, 'whoever asks how the edge is'],
  [GOSSIP_PORT, 'the engines'],
  [ENGINE_DIAGNOSTIC_PORT, 'its engine'],
])

/** Ports of the edge that are named twice, or that nodes need themselves. */
export function edgeProblems(edge: unknown): readonly PathProblem[] {
  const ports = (edge as { ports?: unknown } | null | undefined)?.ports
  if (!Array.isArray(ports)) return []
  const ranges = ports.map((port) => labFileSchema.shape.edge.safeParse({ ports: [port] }).data?.ports[0])
  return ranges.flatMap((range, index) => {
    if (range === undefined) return []
    const problem = (message: string): PathProblem => ({ path: ['edge', 'ports', index], part: 'value', message })
    const written = String(ports[index])
    const other = ranges.findIndex(
      (earlier) => earlier !== undefined && range.first <= earlier.last && earlier.first <= range.last,
    )
    const taken = [...OF_NODES].filter(([port]) => range.first <= port && port <= range.last)
    return [
      ...(other < index ? [problem(`${written} overlaps ${String(ports[other])}`)] : []),
      ...taken.map(([port, whose]) =>
        problem(
          range.first === range.last
            ? `a node needs ${written} for ${whose}`
            : `${written} holds ${String(port)}, which a node needs for ${whose}`,
        ),
      ),
    ]
  })
}
