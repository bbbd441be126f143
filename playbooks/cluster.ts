import { playbook, siteNodes, type SiteNode, type Step } from '../src/index.ts'
import { addressOf, withRole } from '../src/model/site.ts'
import { dockerNetwork } from '../src/steps/docker-network.ts'
import { swarmDeparted } from '../src/steps/swarm-departed.ts'
import { swarmMember } from '../src/steps/swarm-member.ts'
import { swarmNode } from '../src/steps/swarm-node.ts'
import { swarmSettings } from '../src/steps/swarm-settings.ts'

/**
 * A node that misses three heartbeats is down: its tasks run elsewhere 3 s after it died. Certificates outlive a lab that
 * lies still for years: with the engine's 90 days it would not come back after that.
 */
const SETTINGS = { heartbeatMs: 1000, taskHistory: 2, certificateDays: 3650 }

/** One Docker Swarm: managers that run no apps, and workers, with the labels that place services. */
export default playbook({
  name: 'cluster',
  plays: (site) => {
    const managers = siteNodes(site, 'manager')
    const [first] = managers
    const member = (node: Pick<SiteNode, 'name' | 'roles'>) =>
      swarmMember({
        role: withRole('manager')(node) ? 'manager' : 'worker',
        address: addressOf(site, node.name),
        managers,
        nodes: site.nodes.filter(({ name }) => site.made?.includes(name) !== true),
        founding: { dataPathPort: site.dataPathPort, addressPool: site.network.overlayPool, ...SETTINGS },
      })
    const joins = new Map<string, Step>(site.nodes.map((node) => [node.name, member(node)]))
    const join = ({ name }: { readonly name: string }) => [joins.get(name)].filter((step) => step !== undefined)
    return [
      {
        name: 'Found the swarm',
        hosts: first === undefined ? [] : [first.name],
        tags: ['cluster'],
        // Among several, whether another one has a swarm already has to be seen first.
        independent: managers.length === 1,
        // Ports of apps are the edge's. Without this network a node that starts has one less to hear about, and an engine that
        // asks the same node about two at a time waits 30 s for the answer.
        steps: (node) => [
          ...join(node),
          swarmSettings(SETTINGS),
          dockerNetwork({ name: 'ingress', absent: true, after: join(node) }),
        ],
      },
      {
        name: 'Join the swarm',
        hosts: (node) => node.name !== first?.name,
        tags: ['cluster'],
        steps: join,
      },
      {
        name: 'Label the nodes',
        hosts: first === undefined ? [] : [first.name],
        tags: ['cluster'],
        steps: [
          swarmDeparted({ keep: site.nodes.map(({ name }) => name) }),
          ...site.nodes.map((node) => swarmNode({ name: node.name, labels: labelsOf(node), after: join(node) })),
        ],
      },
    ]
  },
})

/** Roles as `lab.role.<role>`, and the node's own vars under their own names. */
function labelsOf({ roles, vars }: SiteNode): Readonly<Record<string, string>> {
  return { ...vars, ...Object.fromEntries(roles.map((role) => [`lab.role.${role}`, 'true'])) }
}
