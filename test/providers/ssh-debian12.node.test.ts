import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import base from '../../playbooks/base.ts'
import engine from '../../playbooks/engine.ts'
import { labIdentity } from '../../src/config/identity.ts'
import { parseLab } from '../../src/config/parse.ts'
import { runPlays } from '../../src/executor/run-plays.ts'
import type { Playbook, Site } from '../../src/index.ts'
import { ensureMachines } from '../../src/workflows/machines.ts'
import { openLab, type OpenLab } from '../../src/workflows/open-lab.ts'
import { startSshHost, type SshTestHost } from '../ssh-host.ts'

/** A slow mirror and a busy machine: 150 MB are fetched and unpacked. */
const MIRROR_MS = 900_000
let host: SshTestHost
let open: OpenLab
let before: readonly string[]

const playsOf = (book: Playbook<Site>, site: Site) => (typeof book.plays === 'function' ? book.plays(site) : book.plays)

beforeAll(async () => {
  host = await startSshHost('bookworm')
  before = await host.look()
  await writeFile(join(host.directory, 'password'), 'correct-horse\n')
  const text = `provider: ssh
ssh: { config: ./ssh_config, sudo: password, passwordFile: ./password }
nodes:
  - { name: solo, roles: [manager, build, edge, worker, registry, logs], ssh: { host: target, address: ${host.address} } }`
  const spec = parseLab(text, { file: 'lab.yml', defaultName: 'old', directory: host.directory })
  const lab = labIdentity('old', host.directory)
  open = await openLab({ lab, spec, emit: () => undefined, signal: new AbortController().signal })
}, MIRROR_MS)
afterAll(async () => {
  await open.close()
  await host.destroy()
})

const converge = async (mode: 'apply' | 'plan') => {
  const site = await open.site()
  const { emit, signal } = open
  const connect = (node: string) => open.connect(node)
  const plays = [base, engine].flatMap((book) => playsOf(book, site))
  return runPlays({ plays, nodes: site.nodes, connect, mode, diff: false, emit, signal })
}

it(
  'gives Debian 12 the engine of Debian 13, its tools, and nothing else of that release',
  async () => {
    await ensureMachines(open)
    expect((await open.site()).nodes).toMatchObject([{ name: 'solo', system: 'debian 12' }])
    expect((await converge('apply')).failed).toBe(0)
    expect(await converge('plan')).toMatchObject({ changed: 0, maybe: 0, failed: 0 })
    const versions = await host.sh(`docker version --format '{{.Server.Version}}'; docker compose version --short
    docker buildx version | cut -d' ' -f2; dpkg-query -W -f '\${Package} \${Version}\\n' | grep -c deb13`)
    expect(versions).toMatch(/^26\.\S+\n2\.\S+\n0\.\S+\n\d+$/)
    // Only what the pins name is of that release, whatever the versions say.
    const candidates = await host.sh('apt-cache policy runc libc6 openssh-server | grep -A1 "\\*\\*\\*"')
    expect(candidates).not.toContain('trixie')
  },
  MIRROR_MS,
)

it(
  'is as it was before when it is given back, what apt knew of that release included',
  async () => {
    await open.disconnect('solo')
    await open.provider.destroy('solo')
    const after = await host.look()
    expect(after.filter((line) => !before.includes(line))).toEqual([])
    expect(before.filter((line) => !after.includes(line))).toEqual([])
    expect(await host.sh('ls /var/lib/apt/lists | grep -c trixie || :')).toBe('0')
  },
  MIRROR_MS,
)
