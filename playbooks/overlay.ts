import { firstNode, playbook, siteNodes, type NodeSpec, type Site, type Step } from '../src/index.ts'
import { EDGE_CONTAINER, ENGINE_DIAGNOSTIC_PORT, GOSSIP_PORT, OVERLAY, PROBE_CONTAINER } from '../src/model/names.ts'
import { addressOf } from '../src/model/site.ts'
import { dockerContainer } from '../src/steps/docker-container.ts'
import { dockerImage, importedTag } from '../src/steps/docker-image.ts'
import { dockerNetwork } from '../src/steps/docker-network.ts'
import { file } from '../src/steps/file.ts'
import { service } from '../src/steps/service.ts'
import { renderPackaged } from '../src/steps/template.ts'

const REJOIN = '/usr/local/lib/lab/rejoin-overlay'

/** BusyBox and nothing else: what asks the overlay's name server, and reaches its addresses, from a node. */
const PROBE = {
  script: `mkdir -p "$1/usr/bin" "$1/etc" "$1/tmp"
ln -s usr/bin "$1/bin"
cp /bin/busybox "$1/usr/bin/"
/bin/busybox --install -s "$1/usr/bin"`,
  changes: ['CMD ["/bin/tail", "-f", "/dev/null"]'],
}

/** The network all apps share, and on every node a container in it that looks at it from inside. */
export default playbook({
  name: 'overlay',
  plays: (site) => {
    const image = importedTag('lab-probe', PROBE)
    return [
      {
        name: 'The overlay network',
        hosts: [firstNode(site, 'manager').name],
        tags: ['overlay', 'dns'],
        independent: true,
        steps: [
          dockerNetwork({
            name: OVERLAY,
            driver: 'overlay',
            subnet: site.network.overlaySubnet,
            linkMtu: site.network.mtu,
          }),
        ],
      },
      {
        name: 'A probe in it on every node',
        hosts: () => true,
        tags: ['overlay', 'dns'],
        steps: (node) => [
          ...rejoin(site, node),
          dockerImage({ tag: image, ...PROBE }),
          site.drained?.includes(node.name) === true
            ? // Its address may be another container's by now, and it cannot join again.
              dockerContainer({ name: PROBE_CONTAINER, absent: true })
            : // Nothing to end gently, and TERM is not for a process with id 1.
              dockerContainer({ name: PROBE_CONTAINER, image, networks: [{ name: OVERLAY }], stopSignal: 'KILL' }),
        ],
      },
    ]
  },
})

/** Containers of lab's own come back with the engine: the swarm looks after those of services alone. */
function rejoin(site: Site, node: NodeSpec): readonly Step[] {
  const isOther = ({ name }: NodeSpec): boolean => name !== node.name
  const peers = node.roles.includes('manager') ? site.nodes.filter(isOther) : []
  const template = (name: string) =>
    renderPackaged(`playbooks/templates/${name}.hbs`, {
      script: REJOIN,
      address: addressOf(site, node.name),
      containers: `${PROBE_CONTAINER} ${EDGE_CONTAINER}`,
      peers: peers.map(({ address }) => address),
      alone: !siteNodes(site, 'manager').some(isOther),
      gossipPort: String(GOSSIP_PORT),
      diagnosticPort: String(ENGINE_DIAGNOSTIC_PORT),
    })
  return [
    file({ path: REJOIN, content: template('rejoin-overlay.sh'), mode: 0o755 }),
    file({ path: '/etc/systemd/system/lab-rejoin.service', content: template('lab-rejoin.service') }),
    service({ unit: 'lab-rejoin', enabled: true }),
  ]
}
