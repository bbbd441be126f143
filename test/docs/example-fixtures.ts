import type { Connection } from '../../src/model/connection.ts'
import { serveOn } from '../steps/http-server.ts'
import { startEngine } from '../steps/engine-node.ts'
import { startPool } from '../steps/pool-node.ts'

/** What the examples of a step find on their node, or beside their playbook. */
export interface ExampleFixture {
  /** Brings about, once for all examples of the step, what they take for granted. */
  readonly prepare?: (connection: Connection) => Promise<void>
  /** Files beside the playbook, by name. */
  readonly files?: Readonly<Record<string, string>>
}

/** A script that must succeed. */
const script = (text: string) => async (connection: Connection) => {
  const { status, stderr } = await connection.script(`set -e\n${text}`)
  if (status !== 0) throw new Error(`the fixture could not be made: ${stderr}`)
}

/** Does something once a node, whoever asks for it. */
function once(start: (connection: Connection) => Promise<void>): (connection: Connection) => Promise<void> {
  const started = new WeakMap<Connection, Promise<void>>()
  return (connection) => {
    const present = started.get(connection) ?? start(connection)
    started.set(connection, present)
    return present
  }
}

const engine = once((connection) => startEngine(connection, { swarm: false }))
const web = once(async (connection) => {
  await script('mkdir -p /srv/tool; printf foo >/srv/tool/tool')(connection)
  await serveOn(connection, '/srv/tool', 8000)
})

const ADDRESS = '10.90.3.11'

/** A swarm of this node alone, at the address that the example of `swarmMember` founds one with. */
const swarm = (then = '') => ({
  prepare: async (connection: Connection) => {
    await engine(connection)
    // The swarm lists a node by the name it has when it joins, and the example of hostname gave it another.
    await script(`hostname node1
ip addr show dev lo | grep -q ${ADDRESS} || ip addr add ${ADDRESS}/32 dev lo
docker info -f '{{.Swarm.LocalNodeState}}' | grep -qx active || docker swarm init --advertise-addr ${ADDRESS} >/dev/null
${then}`)(connection)
  },
})

/** Examples that need something; all others do with a fresh node. */
export const FIXTURES: Readonly<Record<string, ExampleFixture>> = {
  archive: {
    prepare: script(`mkdir -p /srv/pack/tool-1/bin /var/cache; echo run >/srv/pack/tool-1/bin/tool
tar -C /srv/pack -czf /var/cache/tool.tar.gz tool-1`),
  },
  'btrfs-subvolume': { prepare: (connection) => startPool(connection, 'btrfs') },
  command: { prepare: script('rm -f /etc/ssl/certs/ca-certificates.crt') },
  'docker-container': {
    prepare: async (connection) => {
      await engine(connection)
      await script(`docker load -q -i /usr/share/lab/images/seed.tar >/dev/null
docker create --name former debian:trixie-slim >/dev/null`)(connection)
    },
  },
  'docker-image': {
    prepare: async (connection) => {
      await engine(connection)
      await script('tar -C /srv/hello -cf - . | docker import - former:1 >/dev/null')(connection)
    },
  },
  'docker-network': {
    prepare: async (connection) => {
      await engine(connection)
      await script('docker network create former >/dev/null')(connection)
    },
  },
  download: { prepare: web },
  'git-checkout': {
    prepare: script(`apt-get -qq update
apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends git >/dev/null 2>&1
git init -q --bare -b main /srv/app.git
git clone -q /srv/app.git /srv/app 2>/dev/null
cd /srv/app; echo app >file; git add file
git -c user.name=a -c user.email=a@b.c commit -qm app; git push -q origin HEAD:main`),
  },
  'node-label': swarm('docker node update --label-add former=yes node1 >/dev/null'),
  script: { files: { 'make-keys.sh': 'mkdir -p "$1"; openssl genpkey -algorithm ed25519 -out "$1/key.pem"\n' } },
  'swarm-config': swarm(),
  'swarm-departed': swarm(),
  'swarm-member': swarm('docker swarm leave --force >/dev/null'),
  'swarm-node': swarm(),
  'swarm-secret': swarm(),
  'swarm-settings': swarm(),
  template: { files: { 'app.conf.hbs': 'port = {{port}}\n' } },
  wait: { prepare: web },
  'zfs-dataset': { prepare: (connection) => startPool(connection, 'zfs') },
}
