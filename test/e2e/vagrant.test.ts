import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { vagrantMissing } from '../vagrant-host.ts'
import { docker, lab, labEvents, labId, labOk, status, writeFiles } from './harness.ts'

const LAB_YML = `name: wandering
nodes:
  - { name: mgmt, roles: [manager, build, edge] }
  - { name: node, roles: [worker], count: 1 }
  - { name: node2, roles: [worker, registry, logs], memory: 1GiB, cpus: 1.5 }
volumes: { poolSize: 1GiB }
`
const APP = {
  'compose.yml': 'services: { hello: { build: ., ports: ["80:8080"] } }\n',
  Dockerfile: 'FROM debian:trixie-slim\nCOPY server.pl /\nCMD ["perl", "/server.pl"]\n',
  'server.pl': `use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 64) or die;
$SIG{TERM} = sub { exit 0 };
while (my $c = $s->accept) { while (my $l = <$c>) { last if $l =~ /^\\r?$/ }
  print $c "HTTP/1.0 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\nhere"; close $c }
`,
}
const reason = await vagrantMissing()

describe.skipIf(reason !== undefined)(
  `a lab of Vagrant's machines${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    let directory: string
    let home: string
    let env: Readonly<Record<string, string>>
    let id: string
    let edge: string
    const vagrant = async (...args: readonly string[]) => (await execa('vagrant', args, { cwd: directory, env })).stdout
    const up = async (...args: readonly string[]) => labEvents(['up', ...args], { cwd: directory, env })
    const served = async () => (await fetch(edge, { signal: AbortSignal.timeout(5000) })).text()
    const addresses = async () => (await status({ cwd: directory, env })).nodes.map(({ address }) => address)

    beforeAll(async () => {
      directory = await realpath(await mkdtemp(join(tmpdir(), 'lab-e2e-vagrant-')))
      home = await mkdtemp(join(tmpdir(), 'lab-e2e-vagrant-home-'))
      // Containers also where VirtualBox is at hand.
      env = { VAGRANT_HOME: home, VAGRANT_PREFERRED_PROVIDERS: 'docker', VAGRANT_CHECKPOINT_DISABLE: '1' }
      await writeFile(join(directory, 'lab.yml'), LAB_YML)
      id = await labId(directory)
    })
    afterAll(async () => {
      await lab(['destroy', '--yes'], { cwd: directory, env })
      await Promise.all([directory, home].map((each) => rm(each, { recursive: true, force: true })))
    })

    test('vagrant up alone makes the machines of lab.yml, and vagrant ssh leads into them', async () => {
      await symlink(resolve(import.meta.dirname, '../../Vagrantfile'), join(directory, 'Vagrantfile'))
      await vagrant('up')
      expect((await vagrant('ssh', 'node1', '-c', 'hostname')).trim()).toBe('node1')
      const limits = ['inspect', '--format', '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}', `${id}-node2`]
      expect(await docker(...limits)).toBe(`${String(2 ** 30)} 1500000000`)
    })

    test('lab up makes a lab of them, without being told by whom they are made; a second one changes nothing', async () => {
      const first = await up()
      expect(first.ran.exitCode, first.ran.stdout).toBe(0)
      expect((await up('--provider', 'vagrant')).last).toMatchObject({ type: 'recap', changed: 0, failed: 0 })
      const standing = 'mgmt running leader, node1 running worker, node2 running worker'
      // A glance does not wait for nodes of a host that is busy.
      const nodes = await waitFor(
        async () => {
          const seen = (await status({ cwd: directory, env })).nodes
          const now = seen.map(({ name, state, swarm }) => `${name} ${state} ${swarm}`).join(', ')
          return now === standing ? seen : undefined
        },
        { deadlineMs: 120_000, what: `the status to be ${standing}` },
      )
      const subnet = `${(nodes[0]?.address ?? '').split('.').slice(0, 3).join('.')}.`
      expect(nodes.map(({ address }) => address.replace(subnet, ''))).toEqual(['11', '12', '13'])
    })

    test('no other provider makes a second lab beside it, and snapshots are for Vagrant', async () => {
      const other = await lab(['up', '--provider', 'docker'], { cwd: directory, env })
      expect([other.exitCode, other.stderr]).toEqual([64, expect.stringContaining('made by vagrant')])
      const saved = await lab(['snapshot', 'save', 'before'], { cwd: directory, env })
      expect([saved.exitCode, saved.stderr]).toEqual([64, expect.stringContaining('vagrant snapshot save')])
    })

    test('under another name nothing is done to its machines: their volumes go by the one they have', async () => {
      await writeFile(join(directory, 'lab.yml'), LAB_YML.replace('wandering', 'settled'))
      const { last } = await up()
      await writeFile(join(directory, 'lab.yml'), LAB_YML)
      const hint = expect.stringContaining('give it its name back (name: wandering)') as string
      expect(last).toMatchObject({ type: 'error', code: 'CHANGE_REFUSED', hint })
    })

    test('an app deployed there answers at the edge, and again after halt and up, at the same addresses', async () => {
      await mkdir(join(directory, 'hello'))
      await writeFiles(join(directory, 'hello'), APP)
      await labOk(['deploy', './hello'], { cwd: directory, env })
      edge = (await status({ cwd: directory, env })).edge
      expect(await served()).toBe('here')
      const before = await addresses()
      await labOk(['halt'], { cwd: directory, env })
      expect(await docker('ps', '-q', '--filter', `label=lab.id=${id}`)).toBe('')
      const again = await up()
      expect(again.last, again.ran.stdout).toMatchObject({ type: 'recap', failed: 0 })
      expect(await addresses()).toEqual(before)
      edge = (await status({ cwd: directory, env })).edge
      expect(await served()).toBe('here')
      expect((await vagrant('ssh', 'node1', '-c', 'hostname')).trim()).toBe('node1')
    })

    test('destroy leaves no container, volume, network, nor anything that Vagrant notes', async () => {
      const volumes = await docker('inspect', '--format', '{{range .Mounts}}{{.Name}} {{end}}', `${id}-node1`)
      expect(volumes.trim().split(' ')).toHaveLength(2)
      await labOk(['destroy', '--yes'], { cwd: directory, env })
      const filter = ['--filter', `label=lab.id=${id}`]
      expect(await docker('ps', '-aq', ...filter)).toBe('')
      expect(await docker('network', 'ls', '-q', ...filter)).toBe('')
      const left = new Set((await docker('volume', 'ls', '-q')).split('\n'))
      expect(volumes.split(' ').filter((name) => left.has(name))).toEqual([])
      expect(await readdir(directory)).toEqual(['hello', 'lab.yml'])
      expect(existsSync(join(home, 'data/machine-index/index'))).toBe(true)
      expect(await vagrant('global-status', '--prune')).toContain('no active Vagrant environments')
    })
  },
)
