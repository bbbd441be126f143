import { playbook, ZONE, type Site, type Step } from '../src/index.ts'
import { LOGS_HOST, NODE_PATHS, REGISTRY_HOST } from '../src/model/names.ts'
import { packagesOf } from '../src/model/packages.ts'
import { siteNodes, systemOf } from '../src/model/site.ts'
import { quote, quoteAll } from '../src/shell/quote.ts'
import { apt } from '../src/steps/apt.ts'
import { file } from '../src/steps/file.ts'
import { command } from '../src/steps/command.ts'
import { service } from '../src/steps/service.ts'
import { renderPackaged } from '../src/steps/template.ts'
import { proxyFiles } from './proxy.ts'

/** What every machine has, whatever it is for: packages, trust, proxy settings, names. */
export default playbook({
  name: 'base',
  plays: (site) => [
    {
      name: 'Packages, certificates and names',
      hosts: () => true,
      tags: ['base', 'dns'],
      independent: true,
      steps: (node) => {
        const packages = packagesOf(systemOf(site, node))
        return [
          ...proxyFiles(site),
          // Names before everything else that is fetched: a node whose forwarder was stopped finds no mirror.
          apt({ packages: packages.names }),
          ...names(site, node.name),
          apt({ packages: [...packages.base, ...packages.overlay] }),
          ...certificates(site),
        ]
      },
    },
  ],
})

/** Authorities the node trusts beyond the distribution's: the lab's own, and those the host has. */
function certificates({ ca, host }: Site): readonly Step[] {
  const bundles = {
    lab: ca.certificate,
    ...(host.extraCertificates === undefined ? {} : { 'lab-host': host.extraCertificates }),
  }
  const files = Object.entries(bundles).map(([name, content]) =>
    file({ path: `/usr/local/share/ca-certificates/${name}.crt`, content }),
  )
  // The last line of a certificate's text is part of its signature, so it stands for the whole.
  const marks = Object.values(bundles).flatMap((bundle) =>
    [...bundle.matchAll(/^(\S+)\s+-----END CERTIFICATE/gm)].map(([, line = '']) => line),
  )
  return [
    ...files,
    command({
      title: `trust ${Object.keys(bundles).join(', ')}`,
      run: ['sh', '-euc', TRUST, 'trust', ...Object.keys(bundles)],
      unless: hasLines(BUNDLE, marks),
      after: files,
    }),
  ]
}

/** Whether a file has all these lines; it is read once, however many they are. */
function hasLines(path: string, lines: readonly string[]): string {
  const patterns = lines.map((line) => `-e ${quote(line)}`).join(' ')
  return `found="
$(grep -xF ${patterns} ${path})
"
for line in ${quoteAll(lines)}; do
  case $found in *"
$line
"*) ;; *) exit 1 ;; esac
done`
}

const BUNDLE = '/etc/ssl/certs/ca-certificates.crt'

// What update-ca-certificates does for an authority that is new, without going through all the others again (that takes
// longer than everything else here). For one that takes the place of another it is the real thing.
const TRUST = `for name; do
  from=/usr/local/share/ca-certificates/$name.crt
  link=/etc/ssl/certs/$name.pem
  if [ -e "$link" ]; then exec update-ca-certificates >/dev/null; fi
  cat "$from" >>${BUNDLE}
  ln -sf "$name.pem" "/etc/ssl/certs/$(openssl x509 -noout -subject_hash -in "$from").0"
  ln -s "$from" "$link"
done`

/**
 * Names: a small forwarder on each node answers the lab's own and passes the rest to the name servers the node was
 * given. Containers ask it too, at the address of the engine's bridge. Nothing else is ever asked.
 */
function names(site: Site, node: string): readonly Step[] {
  const [bridge = ''] = site.network.bridgeAddress.split('/')
  const paths = {
    resolver: '/usr/local/lib/lab/resolver',
    upstream: `${NODE_PATHS.run}/upstream.conf`,
    kept: `${NODE_PATHS.state}/upstream.conf`,
    hosts: `${NODE_PATHS.etc}/hosts`,
    config: `${NODE_PATHS.etc}/dnsmasq.conf`,
  }
  const further = furtherNames(site, node)
  const exact = further.map(({ name }) => name)
  const template = (name: string) =>
    renderPackaged(`playbooks/templates/${name}.hbs`, { ...paths, bridge, zone: ZONE, exact })
  const resolver = [
    file({ path: paths.resolver, content: template('resolver.sh'), mode: 0o755 }),
    file({ path: '/etc/systemd/system/lab-resolver.service', content: template('lab-resolver.service') }),
  ]
  const forwarder = [
    file({ path: paths.hosts, content: hostsFile(site, further) }),
    file({ path: paths.config, content: template('dnsmasq.conf') }),
    file({ path: '/etc/systemd/system/lab-dns.service', content: template('lab-dns.service') }),
  ]
  const atBoot = service({ unit: 'lab-resolver', running: true, restartAfter: resolver })
  return [
    ...resolver,
    ...forwarder,
    // It brings lab-resolver along, here and at boot.
    service({ unit: 'lab-dns', running: true, enabled: true, restartAfter: forwarder }),
    atBoot,
    command({
      title: 'ask the forwarder on this node for names',
      run: ['systemctl', 'restart', 'lab-resolver.service'],
      unless: [paths.resolver, 'check'],
      after: [atBoot],
    }),
  ]
}

/** Nodes of the networks that a node is on, as `node.network`: there is nobody else to ask for those. */
function furtherNames({ nodes }: Site, node: string): readonly { readonly name: string; readonly address: string }[] {
  const own = Object.keys(nodes.find(({ name }) => name === node)?.addresses ?? {})
  return own.flatMap((network) =>
    nodes.flatMap(({ name, addresses }) => {
      const address = addresses?.[network]
      return address === undefined ? [] : [{ name: `${name}.${network}`, address }]
    }),
  )
}

function hostsFile(site: Site, further: ReturnType<typeof furtherNames>): string {
  const line = (address: string, ...hosts: readonly string[]) => `${address} ${hosts.join(' ')}\n`
  return [
    ...site.nodes.map(({ name, address }) => line(address, `${name}.${ZONE}`, name)),
    ...siteNodes(site, 'registry')
      .slice(0, 1)
      .map(({ address }) => line(address, REGISTRY_HOST)),
    ...siteNodes(site, 'logs')
      .slice(0, 1)
      .map(({ address }) => line(address, LOGS_HOST)),
    ...further.map(({ name, address }) => line(address, `${name}.${ZONE}`, name)),
  ].join('')
}
