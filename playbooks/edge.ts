import { NODE_PATHS, playbook, type Site, type Step } from '../src/index.ts'
import { EDGE_CONTAINER, EDGE_IMAGE, OVERLAY } from '../src/model/names.ts'
import { withRole } from '../src/model/site.ts'
import { renderEdge } from '../src/overlay/edge-config.ts'
import { command } from '../src/steps/command.ts'
import { directory } from '../src/steps/directory.ts'
import { dockerContainer } from '../src/steps/docker-container.ts'
import { dockerImage } from '../src/steps/docker-image.ts'

/** The one way in: HAProxy on the overlay, with every published port of the lab. */
export default playbook<Site>({
  name: 'edge',
  plays: (site) => [{ name: 'The edge', hosts: withRole('edge'), tags: ['edge'], steps: edge(site) }],
})

function edge({ spec }: Site): readonly Step[] {
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
      network: OVERLAY,
      ports: spec.edge.ports,
      mounts: [{ source: NODE_PATHS.edge, target: '/usr/local/etc/haproxy' }],
    }),
  ]
}
