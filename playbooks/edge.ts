import { NODE_PATHS, playbook, type Playbook, type Site, type Step } from '../src/index.ts'
import { nthAddress } from '../src/model/addresses.ts'
import { EDGE_HEALTH, EDGE_HEALTH_PORT } from '../src/model/edge-route.ts'
import type { PortRange } from '../src/model/lab-spec.ts'
import { EDGE_CONTAINER, EDGE_IMAGE, OVERLAY } from '../src/model/names.ts'
import { withRole } from '../src/model/site.ts'
import { IN_CONTAINER, renderEdge } from '../src/overlay/edge-config.ts'
import { command } from '../src/steps/command.ts'
import { directory } from '../src/steps/directory.ts'
import { dockerContainer } from '../src/steps/docker-container.ts'
import { dockerImage } from '../src/steps/docker-image.ts'
import { dockerNetwork } from '../src/steps/docker-network.ts'
import { file } from '../src/steps/file.ts'
import { service } from '../src/steps/service.ts'
import { renderPackaged } from '../src/steps/template.ts'

/** A bridge of the edge's own, where it has an address that does not change. */
const BRIDGE = 'lab-edge'

const HEALTH = `${String(EDGE_HEALTH_PORT)}${EDGE_HEALTH.serving}`
const SCRIPT = '/usr/local/lib/lab/edge-ports'

/** The way to the edge, which can be there before it: a bridge, and rules that lead to the edge's address there. */
export const edgePorts: Playbook<Site> = playbook({
  name: 'edge',
  plays: (site: Site) => [
    {
      name: 'Ports of the edge',
      hosts: withRole('edge'),
      tags: ['edge'],
      independent: true,
      steps: [
        dockerNetwork({ name: BRIDGE, driver: 'bridge', subnet: bridgeSubnetOf(site), linkMtu: site.network.mtu }),
        ...ports([...site.spec.edge.ports, { first: EDGE_HEALTH_PORT, last: EDGE_HEALTH_PORT }], bridgeAddressOf(site)),
      ],
    },
  ],
})

/** The way in, on every node that has the role: HAProxy on the overlay, with every published port of the lab. */
export default playbook({
  name: 'edge',
  plays: (site) => [
    { name: 'The edge', hosts: withRole('edge'), tags: ['edge'], independent: true, steps: edge(site) },
    // After the new edges, and before what makes the network slow.
    { name: 'No edge any more', hosts: (node) => !withRole('edge')(node), tags: ['edge'], steps: [formerEdge()] },
  ],
})

/** The last /24 of the engine's own pool: the engine takes the first ones for other networks. */
function bridgeSubnetOf({ network }: Site): string {
  return `${nthAddress(network.bridgePool, 255 * 256)}/24`
}

function bridgeAddressOf(site: Site): string {
  return nthAddress(bridgeSubnetOf(site), 2)
}

/** What a node that had the role and lost it still has of it. */
function formerEdge(): Step {
  return command({
    title: 'remove the edge this node had',
    run: [
      'sh',
      '-euc',
      'systemctl disable --now lab-edge; docker rm -f "$2"; rm -f "$1"',
      'remove',
      SCRIPT,
      EDGE_CONTAINER,
    ],
    unless: ['test', '!', '-e', SCRIPT],
  })
}

function edge(site: Site): readonly Step[] {
  const config = `${NODE_PATHS.edge}/haproxy.cfg`
  return [
    directory({ path: NODE_PATHS.edge }),
    // From then on the routes of the deployed services decide what is in it.
    command({
      title: `write ${config} for no services yet`,
      run: ['sh', '-euc', 'cat >"$1.new"; mv -f "$1.new" "$1"', 'write', config],
      stdin: renderEdge([]),
      creates: config,
    }),
    dockerImage({ tag: EDGE_IMAGE, pinned: true }),
    dockerContainer({
      name: EDGE_CONTAINER,
      image: EDGE_IMAGE,
      networks: [{ name: OVERLAY }, { name: BRIDGE, address: bridgeAddressOf(site) }],
      mounts: [{ source: NODE_PATHS.edge, target: IN_CONTAINER }],
    }),
  ]
}

/** The published ports of the node lead to the edge: a handful of rules, however many ports there are. */
function ports(ranges: readonly PortRange[], address: string): readonly Step[] {
  const words = ranges.map(({ first, last }) => (first === last ? String(first) : `${String(first)}:${String(last)}`))
  // A rule takes 15 ports, and a range counts as two.
  const groups = Array.from({ length: Math.ceil(words.length / 7) }, (_, index) =>
    words.slice(index * 7, index * 7 + 7).join(','),
  )
  const template = (name: string) =>
    renderPackaged(`playbooks/templates/${name}.hbs`, { script: SCRIPT, address, groups, health: HEALTH })
  const rules = [
    file({ path: SCRIPT, content: template('edge-ports.sh'), mode: 0o755 }),
    file({ path: '/etc/systemd/system/lab-edge.service', content: template('lab-edge.service') }),
  ]
  const unit = service({ unit: 'lab-edge', running: true, enabled: true, restartAfter: rules })
  return [
    ...rules,
    unit,
    command({
      title: 'lead the published ports to the edge',
      run: ['systemctl', 'restart', 'lab-edge.service'],
      unless: [SCRIPT, 'check'],
      after: [unit],
    }),
  ]
}
