import { playbook, NODE_PATHS, REGISTRY, siteNodes, type NodeSpec, type Site, type Step } from '../src/index.ts'
import { ENGINE_DIAGNOSTIC_PORT, GOSSIP_PORT, REGISTRY_USER } from '../src/model/names.ts'
import { fromLater, packagesOf } from '../src/model/packages.ts'
import { systemOf } from '../src/model/site.ts'
import { apt } from '../src/steps/apt.ts'
import { file } from '../src/steps/file.ts'
import { service } from '../src/steps/service.ts'
import { renderPackaged } from '../src/steps/template.ts'
import { laterPackages } from './later-packages.ts'

/** Longest a worker's engine waits for a manager's at its start. */
const MANAGER_WAIT_SECONDS = 10
/** Longest that an engine which finds no manager is kept from asking other nodes. */
const GOSSIP_WAIT_SECONDS = 120

/** A Docker engine on every node, which takes orders from the node's root alone. */
export default playbook({
  name: 'engine',
  plays: (site) => [
    {
      name: 'Docker on every node',
      hosts: () => true,
      tags: ['engine'],
      independent: true,
      steps: (node) => {
        const system = systemOf(site, node)
        const later = fromLater(system)
        return [
          ...(later === undefined ? [] : laterPackages(later)),
          apt({ packages: packagesOf(system).engine }),
          ...registryAccess(site),
          ...engine(site, node),
        ]
      },
    },
  ],
})

function engine(site: Site, node: NodeSpec): readonly Step[] {
  const runtime = file({
    path: '/etc/containerd/config.toml',
    content: renderPackaged('playbooks/templates/containerd.toml.hbs', {}),
  })
  const otherManagers = siteNodes(site, 'manager').filter(({ name }) => name !== node.name)
  const managers = otherManagers.map(({ address }) => address)
  const awaitManager = file({
    path: '/usr/local/lib/lab/await-manager',
    content: renderPackaged('playbooks/templates/await-manager.sh.hbs', {
      managers,
      port: String(GOSSIP_PORT),
      seconds: String(MANAGER_WAIT_SECONDS),
    }),
    mode: 0o755,
  })
  const isManager = node.roles.includes('manager')
  const { script, unit } = heardFirst(managers)
  const settings = [
    unit, // it starts and stops with the engine's own
    file({ path: '/etc/docker/daemon.json', content: `${JSON.stringify(daemonSettings(site), null, 2)}\n` }),
    file({
      path: '/etc/systemd/system/docker.service.d/lab.conf',
      content: renderPackaged('playbooks/templates/docker.service.hbs', {
        ...NODE_PATHS,
        before: isManager ? '' : awaitManager.files[0],
        diagnostics: `-o lo -p tcp --dport ${String(ENGINE_DIAGNOSTIC_PORT)} -m owner ! --uid-owner 0 -j REJECT`,
      }),
    }),
  ]
  return [
    runtime,
    ...(isManager ? [] : [awaitManager]),
    script,
    ...settings,
    // The engine brings its runtime along, here and at boot.
    service({ unit: 'docker', running: true, enabled: true, restartAfter: settings }),
    service({ unit: 'containerd', running: true, restartAfter: [runtime] }),
  ]
}

/** An engine that was started is heard of before it asks anything. */
function heardFirst(managers: readonly string[]): Readonly<Record<'script' | 'unit', Step>> {
  const path = '/usr/local/lib/lab/gossip'
  return {
    script: file({
      path,
      content: renderPackaged('playbooks/templates/gossip.sh.hbs', {
        managers,
        port: String(GOSSIP_PORT),
        portHex: GOSSIP_PORT.toString(16).toUpperCase(),
        seconds: String(GOSSIP_WAIT_SECONDS),
      }),
      mode: 0o755,
    }),
    unit: file({
      path: '/etc/systemd/system/lab-gossip.service',
      content: renderPackaged('playbooks/templates/lab-gossip.service.hbs', { script: path }),
    }),
  }
}

/** What every engine of the lab is told; addresses stay clear of the lab's network and its overlays. */
function daemonSettings({ network }: Site): object {
  const [bridge] = network.bridgeAddress.split('/')
  return {
    bip: network.bridgeAddress,
    'default-address-pools': [{ base: network.bridgePool, size: 24 }],
    mtu: network.mtu,
    dns: [bridge],
    'userland-proxy': false,
    'storage-driver': 'overlay2',
    'log-driver': 'json-file',
    'log-opts': { 'max-size': '8m', 'max-file': '2' },
    'max-concurrent-downloads': 6,
    'shutdown-timeout': 8,
    'network-diagnostic-port': ENGINE_DIAGNOSTIC_PORT,
  }
}

/** The lab's registry is trusted by its authority, and every engine has its password. */
function registryAccess({ ca, registry }: Site): readonly Step[] {
  const auth = Buffer.from(`${REGISTRY_USER}:${registry.password}`).toString('base64')
  return [
    file({ path: `/etc/docker/certs.d/${REGISTRY}/ca.crt`, content: ca.certificate }),
    file({
      path: '/root/.docker/config.json',
      content: `${JSON.stringify({ auths: { [REGISTRY]: { auth } } }, null, 2)}\n`,
      secret: true,
    }),
  ]
}
