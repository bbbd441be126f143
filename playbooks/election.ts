import { playbook, siteNodes, type NodeSpec, type Site, type Step } from '../src/index.ts'
import { SWARM_PORT } from '../src/model/names.ts'
import { addressOf, withRole } from '../src/model/site.ts'
import { command } from '../src/steps/command.ts'
import { file } from '../src/steps/file.ts'
import { service } from '../src/steps/service.ts'
import { renderPackaged } from '../src/steps/template.ts'

const SCRIPT = '/usr/local/lib/lab/hold-election'
const UNIT = '/etc/systemd/system/lab-election.service'

/** Of fewer managers none may be lost: who is left is not more than half. */
const FEWEST_MANAGERS = 3

/** Managers that find another leader among them as soon as theirs is gone. */
export default playbook({
  name: 'election',
  plays: (site) => {
    const mayLoseOne = siteNodes(site, 'manager').length >= FEWEST_MANAGERS
    const elects = (node: NodeSpec) => mayLoseOne && withRole('manager')(node)
    return [
      {
        name: 'Another leader at once',
        hosts: elects,
        tags: ['cluster'],
        independent: true,
        steps: ({ name }) => election(site, addressOf(site, name)),
      },
      {
        name: 'No election any more',
        hosts: (node) => !elects(node),
        tags: ['cluster'],
        independent: true,
        steps: [formerElection()],
      },
    ]
  },
})

function election(site: Site, address: string): readonly Step[] {
  const managers = siteNodes(site, 'manager').map((manager) => manager.address)
  const template = (name: string) =>
    renderPackaged(`playbooks/templates/${name}.hbs`, { script: SCRIPT, address, managers, port: String(SWARM_PORT) })
  const files = [
    file({ path: SCRIPT, content: template('hold-election.sh'), mode: 0o755 }),
    file({ path: UNIT, content: template('lab-election.service') }),
  ]
  return [...files, service({ unit: 'lab-election', running: true, enabled: true, restartAfter: files })]
}

/** What a node still has of it that does not manage any more, or only with one other. */
function formerElection(): Step {
  return command({
    title: 'end the elections this node held',
    run: [
      'sh',
      '-euc',
      'systemctl disable --now --quiet lab-election; rm -f "$1" "$2"; systemctl daemon-reload',
      'remove',
      UNIT,
      SCRIPT,
    ],
    unless: ['test', '!', '-e', SCRIPT],
  })
}
