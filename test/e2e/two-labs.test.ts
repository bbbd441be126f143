import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { REGISTRY } from '../../src/model/names.ts'
import { container, docker, lab, labEvents, labId, labOk, status, writeFiles } from './harness.ts'

const LAB_YML = `name: small
nodes:
  - { name: mgmt, roles: [manager, build, edge] }
  - { name: solo, roles: [worker, registry, logs], memory: 1GiB }
volumes: { poolSize: 1GiB }
`
let small: string

beforeAll(async () => {
  small = await mkdtemp(join(tmpdir(), 'lab-e2e-small-'))
  await writeFile(join(small, 'lab.yml'), LAB_YML)
})
afterAll(async () => {
  await lab(['destroy', '--yes'], { cwd: small })
  await rm(small, { recursive: true, force: true })
})

test('a second lab on the host has its own subnet and ports, and leaves the first as it is', async () => {
  const before = await status()
  const { ran } = await labEvents(['up'], { cwd: small })
  expect(ran.exitCode, ran.stdout).toBe(0)
  const other = await status({ cwd: small })
  expect(other.nodes.map(({ name, state }) => `${name} ${state}`)).toEqual(['mgmt running', 'solo running'])
  const prefix = (address: string) => address.split('.').slice(0, 3).join('.')
  expect(prefix(other.nodes[0]?.address ?? '')).not.toBe(prefix(before.nodes[0]?.address ?? ''))
  expect(other.edge).not.toBe(before.edge)
  expect(await status()).toEqual(before)
  expect((await labEvents(['up'])).last).toMatchObject({ changed: 0 })
})

/** The status that a registry answers with about a manifest. The password stands in nobody's arguments. */
const ASK_REGISTRY = `jq -r --arg registry "$1" '.auths[$registry].auth | "header = \\"Authorization: Basic \\(.)\\""' /root/.docker/config.json |
  curl -K - -s -o /dev/null -w '%{http_code}' --retry 5 --retry-connrefused --cacert "/etc/docker/certs.d/$1/ca.crt" \\
    -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' "$2"`

test('a node made anew, with the registry, gets the images of what is deployed; deploy fills one that lost them', async () => {
  const page = 'services: { page: { image: "debian:trixie-slim", command: [sleep, infinity], init: true } }'
  await writeFiles(small, { 'apps/page/compose.yml': page })
  try {
    await labOk(['deploy', 'page'], { cwd: small })
    const [before] = (await status({ cwd: small })).services
    const [mgmt, solo] = [await container('mgmt', small), await container('solo', small)]
    const [repository = '', digest = ''] = (before?.image ?? '').split('@')
    const manifest = `https://${repository.replace('/', '/v2/')}/manifests/${digest}`
    // What an engine has it does not ask the registry for.
    const inRegistry = () => docker('exec', mgmt, 'sh', '-euc', ASK_REGISTRY, 'ask', REGISTRY, manifest)
    expect(await inRegistry()).toBe('200')
    await labOk(['node', 'replace', 'solo', '--yes'], { cwd: small })
    expect(await inRegistry()).toBe('200')
    await docker('exec', solo, 'docker', 'image', 'inspect', before?.image ?? '')
    const [after] = (await status({ cwd: small })).services
    expect(after).toMatchObject({ image: before?.image, desired: 1, running: 1 })

    // While it runs: it must not go by what it remembers.
    await docker('exec', solo, 'rm', '-r', '/var/lib/lab/registry/docker')
    expect(await inRegistry()).toBe('404')
    const { last, ran } = await labEvents(['deploy', 'page'], { cwd: small })
    expect(last, ran.stdout).toMatchObject({ type: 'deployed', changed: false })
    expect(await inRegistry()).toBe('200')
  } finally {
    await rm(join(small, 'apps'), { recursive: true })
  }
})

test('destroy asks for --yes where nobody can answer, and destroys nothing without', async () => {
  const ran = await lab(['destroy'], { cwd: small })
  expect(ran.exitCode).toBe(64)
  expect(ran.stderr).toContain('--yes')
  expect((await status({ cwd: small })).nodes.every(({ state }) => state === 'running')).toBe(true)
})

test('destroy leaves no container, volume, network, mount, loop device or file, and the other lab alone', async () => {
  const id = await labId(small)
  const before = await status()
  expect(await traces(id)).not.toBe('')
  await labOk(['destroy', '--yes'], { cwd: small })
  expect(await traces(id)).toBe('')
  expect(await readdir(small)).toEqual(['lab.yml'])
  expect(await docker('images', '-q', '--filter', 'label=lab.image')).not.toBe('')
  expect(await status()).toEqual(before)
  const again = await lab(['destroy', '--yes'], { cwd: small })
  expect(again.exitCode).toBe(0)
})

/** Whatever on the host names the lab. */
async function traces(id: string): Promise<string> {
  const filter = ['--filter', `label=lab.id=${id}`]
  const found = await Promise.all([
    docker('ps', '-aq', ...filter),
    docker('volume', 'ls', '-q', ...filter),
    docker('network', 'ls', '-q', ...filter),
    execa('sh', ['-c', `losetup -a 2>/dev/null | grep -F ${id}; grep -F ${id} /proc/mounts; true`]).then(
      ({ stdout }) => stdout,
    ),
  ])
  return found.join('').trim()
}
