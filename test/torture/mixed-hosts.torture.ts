import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { messageTexts, postMessage } from '../e2e/client.ts'
import { lab, labOk, status } from '../e2e/harness.ts'
import { startSshHost, type SshTestHost, type TestRelease } from '../ssh-host.ts'

/*
 * Hosts that exist already, of two releases of Debian, in one lab: the sample runs over both, a volume goes from one release
 * to the other and back, and all hosts are given back as they were.
 */
const APPS = resolve(import.meta.dirname, '../../apps')
/** Packages of all hosts are fetched and unpacked, and images made on one of them. */
const OPTIONS = { timeoutMs: 1_800_000 }
const NODES = [
  { name: 'mgmt', roles: '[manager, build, edge]', release: 'trixie' },
  { name: 'node1', roles: '[worker, registry, logs]', release: 'trixie' },
  { name: 'node2', roles: '[worker]', release: 'bookworm' },
] as const satisfies readonly { name: string; roles: string; release: TestRelease }[]

let cwd: string
const hosts = new Map<string, SshTestHost>()
const looks = new Map<string, readonly string[]>()

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'lab-mixed-'))
  // One after the other: they share the images they are made from.
  for (const { name, release } of NODES) hosts.set(name, await startSshHost(release))
  for (const [name, host] of hosts) {
    // What sudo notes of its first use is its own, and stays.
    await host.sh('runuser -u admin -- sudo true')
    looks.set(name, await host.look())
  }
  await writeLab()
}, 1_800_000)
afterAll(async () => {
  await lab(['destroy', '--yes'], { cwd, ...OPTIONS })
  for (const host of hosts.values()) await host.destroy()
  await rm(cwd, { recursive: true, force: true })
}, 600_000)

test('Debian 12 and 13 in one lab run the sample, and its volume goes from one to the other and back', async () => {
  await labOk(['up'], { cwd, ...OPTIONS })
  expect((await labOk(['up'], { cwd, ...OPTIONS })).stdout).toContain(' 0 changed')
  await labOk(['deploy'], { cwd, ...OPTIONS })
  await labOk(['scale', 'nodeapp', '4'], { cwd })
  const { edge } = await status({ cwd })
  const written: string[] = []
  for (const node of ['node2', 'node1', 'node2']) {
    written.push(`before it moved to ${node} (${String(written.length)})`)
    await postMessage(edge, written.at(-1) ?? '')
    await labOk(['move-volume', 'mongo', node], { cwd, ...OPTIONS })
    expect(await messageTexts(edge)).toEqual(expect.arrayContaining(written))
  }
  expect((await lab(['plan'], { cwd, ...OPTIONS })).exitCode).toBe(0)
})

test('a host that leaves the lab hands its volume on and is given back; to forget it in lab.yml is refused', async () => {
  const file = join(cwd, 'lab.yml')
  const before = await readFile(file, 'utf8')
  await writeFile(file, before.replace(/^.*name: node2.*\n/m, ''))
  const forgotten = await lab(['up'], { cwd, ...OPTIONS })
  expect(forgotten.exitCode).toBe(64)
  expect(forgotten.stderr).toContain('lab node rm node2')
  await writeFile(file, before)

  await labOk(['node', 'rm', 'node2', '--yes'], { cwd, ...OPTIONS })
  expect(await readFile(file, 'utf8')).not.toContain('node2')
  const { nodes, volumes, edge } = await status({ cwd })
  expect(nodes.map(({ name }) => name)).toEqual(['mgmt', 'node1'])
  expect(volumes.map(({ owner }) => owner)).toEqual(['node1'])
  expect((await messageTexts(edge)).length).toBeGreaterThan(0)
  await expectAsItWas('node2')
})

test('all hosts are given back as they were', async () => {
  await labOk(['destroy', '--yes'], { cwd, ...OPTIONS })
  for (const name of hosts.keys()) await expectAsItWas(name)
})

async function expectAsItWas(name: string): Promise<void> {
  const before = looks.get(name) ?? []
  const after = (await hosts.get(name)?.look()) ?? []
  expect([name, after.filter((line) => !before.includes(line))]).toEqual([name, []])
  expect([name, before.filter((line) => !after.includes(line))]).toEqual([name, []])
}

/** A lab.yml of the hosts, and the configuration of the SSH client that reaches them. */
async function writeLab(): Promise<void> {
  const nodes = NODES.map(({ name, roles }) => `  - { name: ${name}, roles: ${roles} }\n`)
  await writeFile(
    join(cwd, 'lab.yml'),
    `name: mixed\nprovider: ssh\nssh: { config: ./ssh_config }\napps: [mongo, nodeapp, nginx]\nnodes:\n${nodes.join('')}`,
  )
  const entries = [...hosts].map(([name, { address, directory }]) =>
    [`Host ${name}`, `HostName ${address}`, 'User admin', `IdentityFile ${directory}/id`].join('\n  '),
  )
  const known = await Promise.all([...hosts.values()].map(({ directory }) => readFile(join(directory, 'known_hosts'))))
  await writeFile(join(cwd, 'known_hosts'), Buffer.concat(known))
  await writeFile(join(cwd, 'ssh_config'), `${entries.join('\n')}\nHost *\n  UserKnownHostsFile ${cwd}/known_hosts\n`)
  await cp(APPS, join(cwd, 'apps'), { recursive: true })
}
