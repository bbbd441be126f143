import { afterAll, beforeAll, expect, it } from 'vitest'
import base from '../../playbooks/base.ts'
import engine from '../../playbooks/engine.ts'
import { runPlays } from '../../src/executor/run-plays.ts'
import type { OpenLab } from '../../src/workflows/open-lab.ts'
import { ensureMachines } from '../../src/workflows/machines.ts'
import { startSshHost, type SshTestHost } from '../ssh-host.ts'
import { openHostLab } from '../ssh-lab.ts'

/** A slow mirror and a busy machine: 100 MB are fetched and unpacked. */
const MIRROR_MS = 600_000
let host: SshTestHost
let open: OpenLab

// Whatever an engine's owner may have said to its firewall, and what forwards nothing besides.
const RULES = `iptables -P FORWARD DROP
ip6tables -P FORWARD DROP
ip6tables -A INPUT -p tcp --dport 5432 -j DROP
iptables -I DOCKER-USER -s 198.51.100.0/24 -j DROP
iptables -A INPUT -i docker0 -p tcp --dport 5432 -j DROP
nft 'table inet own { chain forward { type filter hook forward priority 10; policy drop; }; }'`

beforeAll(async () => {
  host = await startSshHost()
  await host.sh(`set -e
    apt-get -q update
    DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install docker.io docker-cli iptables nftables >/dev/null
    docker info >/dev/null
    ${RULES}`)
  open = await openHostLab(host)
}, MIRROR_MS)
afterAll(async () => {
  await open.close()
  await host.destroy()
})

/** What an engine keeps for itself is another after each time it begins with nothing, and its port after each start. */
const ITS_OWN = / \/var\/lib\/(docker|containerd)(\/|$| )|^listen 0100007F:/
const look = async () => (await host.look()).filter((line) => !ITS_OWN.test(line))

it('is refused with what its engine holds, by name', async () => {
  await host.sh('docker volume create precious; docker network create own')
  const refused = ensureMachines(await openHostLab(host)).finally(() =>
    host.sh('docker volume rm precious; docker network rm own'),
  )
  await expect(refused).rejects.toMatchObject({
    code: 'UNSUITABLE',
    message: expect.stringContaining('(the volumes precious; the networks own)') as string,
  })
})

it('is refused while its engine does not run, because nobody can tell what that holds', async () => {
  await host.sh('systemctl stop docker.socket docker.service')
  const refused = ensureMachines(await openHostLab(host)).finally(() =>
    host.sh('systemctl start docker.socket docker.service'),
  )
  await expect(refused).rejects.toMatchObject({
    code: 'UNSUITABLE',
    message: expect.stringContaining('its engine does not run') as string,
  })
})

it(
  'is given back with its engine and its firewall as they were',
  async () => {
    const before = await look()
    expect(before.filter((line) => line.startsWith('rule '))).toEqual(
      expect.arrayContaining([expect.stringContaining('198.51.100.0/24') as string]),
    )
    await ensureMachines(open)
    const { nodes, ...site } = await open.site()
    const plays = [base, engine].flatMap(({ plays: of }) => (typeof of === 'function' ? of({ ...site, nodes }) : of))
    const { emit, signal } = open
    const connect = (node: string) => open.connect(node)
    expect((await runPlays({ plays, nodes, connect, mode: 'apply', diff: false, emit, signal })).failed).toBe(0)
    await host.sh('docker network create lab-made; iptables -A FORWARD -i eth9 -j ACCEPT')
    await open.disconnect('solo')
    await open.provider.destroy('solo')
    // What its owner added meanwhile stays.
    await host.sh('iptables -D FORWARD -i eth9 -j ACCEPT')
    const after = await look()
    expect(after.filter((line) => !before.includes(line))).toEqual([])
    expect(before.filter((line) => !after.includes(line))).toEqual([])
  },
  MIRROR_MS,
)
