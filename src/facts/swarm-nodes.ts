import { FactUnavailable, type FactQuery } from '../model/step.ts'
import { askEngine, engineAnswers, refusal } from './engine-api.ts'

/** A member of the swarm as a manager lists it. */
export interface ListedNode {
  readonly id: string
  readonly hostname: string
  readonly role: 'manager' | 'worker'
  readonly availability: 'active' | 'pause' | 'drain'
  readonly state: 'unknown' | 'down' | 'ready' | 'disconnected'
  readonly labels: Readonly<Record<string, string>>
  /** Where the manager sees it; of itself a manager may say otherwise. */
  readonly address: string
  readonly createdAt: string
}

/** Everyone in the swarm; managers can tell. */
export const swarmNodes: FactQuery<readonly ListedNode[]> = {
  key: 'swarm-nodes',
  script: askEngine('/nodes'),
  parse: (output) => {
    const [answer] = engineAnswers(output)
    if (!Array.isArray(answer)) throw new FactUnavailable(refusal(answer) ?? 'the engine lists no nodes')
    return (answer as NodeObject[]).map((node) => ({
      id: node.ID,
      hostname: node.Description.Hostname,
      role: node.Spec.Role,
      availability: node.Spec.Availability,
      state: node.Status.State,
      labels: node.Spec.Labels ?? {},
      address: node.Status.Addr ?? '',
      createdAt: node.CreatedAt,
    }))
  },
}

interface NodeObject {
  readonly ID: string
  readonly CreatedAt: string
  readonly Spec: {
    readonly Role: ListedNode['role']
    readonly Availability: ListedNode['availability']
    readonly Labels?: Readonly<Record<string, string>>
  }
  readonly Description: { readonly Hostname: string }
  readonly Status: { readonly State: ListedNode['state']; readonly Addr?: string }
}
