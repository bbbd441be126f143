import { playbook, type Site } from '../src/index.ts'
import { file } from '../src/steps/file.ts'
import { service } from '../src/steps/service.ts'
import { renderPackaged } from '../src/steps/template.ts'

/** What calls interfaces by the names of their networks. */
const SCRIPT = '/usr/local/lib/lab/name-networks'

/** On nodes that are on more than the lab's own network: each interface answers to its network's name. */
export default playbook({
  name: 'networks',
  plays: (site) => [
    {
      name: 'Interfaces called like their networks',
      hosts: ({ name }) => Object.keys(addressesOf(site, name)).length > 0,
      tags: ['networks'],
      independent: true,
      steps: ({ name }) => {
        const networks = Object.entries(addressesOf(site, name)).map(([network, address]) => ({
          network,
          address,
        }))
        const template = (from: string) =>
          renderPackaged(`playbooks/templates/${from}.hbs`, { script: SCRIPT, networks })
        const atBoot = [
          file({ path: SCRIPT, content: template('name-networks.sh'), mode: 0o755 }),
          file({ path: '/etc/systemd/system/lab-networks.service', content: template('lab-networks.service') }),
        ]
        return [...atBoot, service({ unit: 'lab-networks', running: true, enabled: true, restartAfter: atBoot })]
      },
    },
  ],
})

function addressesOf(site: Site, node: string): Readonly<Record<string, string>> {
  return site.nodes.find(({ name }) => name === node)?.addresses ?? {}
}
