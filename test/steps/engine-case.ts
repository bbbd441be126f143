import type { EngineState, SwarmMembership } from '../../src/facts/engine.ts'
import type { ListedNode } from '../../src/facts/swarm-nodes.ts'

/** An engine that holds nothing and is in no swarm, unless said otherwise. */
export function engine(state: Partial<EngineState> = {}): EngineState {
  const empty = { containers: new Map(), images: new Map(), repositoryDigests: new Map(), networks: new Map() }
  return { swarm: membership(), ...empty, ...state }
}

/** A node outside any swarm, unless said otherwise. */
export function membership(state: Partial<SwarmMembership> = {}): SwarmMembership {
  return { state: 'inactive', role: undefined, error: '', settings: undefined, ...state }
}

/** A worker that is ready, as a manager lists it. */
export function listed(node: Partial<ListedNode> & Pick<ListedNode, 'hostname'>): ListedNode {
  return {
    id: `id-of-${node.hostname}`,
    role: 'worker',
    availability: 'active',
    state: 'ready',
    labels: {},
    address: '',
    createdAt: '2026-01-01T00:00:00Z',
    ...node,
  }
}
