import { createServer } from 'node:http'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { extract } from 'tar-stream'
import { overlaps, parseCidr } from '../../src/model/addresses.ts'
import type { LabIdentity } from '../../src/model/lab-spec.ts'
import type { MachineRequest } from '../../src/model/provider.ts'
import { engineAddress } from '../../src/providers/docker/engine.ts'
import { buildContext, imageTags } from '../../src/providers/docker/image-recipe.ts'
import { renameImages } from '../../src/providers/docker/image-seed.ts'
import { accessArchive, containerOptions, nextFreePort } from '../../src/providers/docker/machine.ts'
import { subnetCandidates } from '../../src/providers/docker/subnet-candidates.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-docker-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const LAB: LabIdentity = {
  id: 'classic-0a1b2c',
  name: 'classic',
  directory: '/somewhere',
  stateDirectory: '/somewhere/.lab',
}
const REQUEST: MachineRequest = {
  node: { name: 'node1', roles: ['worker'], memoryBytes: 2 ** 31, cpus: 1.5, vars: {} },
  address: '10.70.3.11',
  hostname: 'node1',
  hostKey: { privateKey: 'PRIVATE', publicKey: 'ssh-ed25519 AAAA node1' },
  authorizedKey: 'ssh-ed25519 BBBB lab',
  specDigest: 'abc',
}

test('a container publishes on the loopback only, has its address, its limits and the labels it is found by', () => {
  const { Labels, HostConfig, NetworkingConfig, name } = containerOptions(LAB, REQUEST, 'image', { Privileged: true })
  expect(name).toBe('classic-0a1b2c-node1')
  expect(Labels).toMatchObject({
    'lab.id': LAB.id,
    'lab.node': 'node1',
    'lab.address': '10.70.3.11',
    'lab.spec': 'abc',
  })
  expect(HostConfig.PortBindings).toEqual({ '22/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] })
  expect(HostConfig).toMatchObject({ Memory: 2 ** 31, NanoCpus: 1.5e9, CgroupnsMode: 'private', Init: false })
  expect(NetworkingConfig?.EndpointsConfig?.[LAB.id]?.IPAMConfig).toEqual({ IPv4Address: '10.70.3.11' })
})

test('no key is in what the engine shows of a container', () => {
  const shown = JSON.stringify(containerOptions(LAB, REQUEST, 'image', { Privileged: true }))
  expect(shown).not.toContain('PRIVATE')
  expect(shown).not.toContain('BBBB')
})

test("a node's keys are readable by root only", async () => {
  const files: Record<string, { readonly mode: number | undefined; readonly content: string }> = {}
  for await (const entry of Readable.from([await accessArchive(REQUEST)]).pipe(extract())) {
    files[entry.header.name] = { mode: entry.header.mode, content: await text(entry) }
  }
  expect(files).toEqual({
    'etc/ssh/ssh_host_ed25519_key': { mode: 0o600, content: 'PRIVATE\n' },
    'etc/ssh/ssh_host_ed25519_key.pub': { mode: 0o644, content: 'ssh-ed25519 AAAA node1\n' },
    'root/.ssh/authorized_keys': { mode: 0o600, content: 'ssh-ed25519 BBBB lab\n' },
  })
})

test('a wished port that is in use is exchanged for the next free one', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const busy = typeof address === 'object' && address !== null ? address.port : 0
  const free = await nextFreePort(busy)
  server.close()
  expect(free).toBeGreaterThan(busy)
})

test('subnets offered hold all nodes, lie on their boundaries and do not overlap', () => {
  for (const nodes of [4, 50, 400]) {
    const candidates = subnetCandidates('classic-0a1b2c', nodes)
    expect(new Set(candidates).size).toBe(candidates.length)
    for (const candidate of candidates) {
      const { base = -1, prefix = 0 } = parseCidr(candidate) ?? {}
      expect(base % 2 ** (32 - prefix)).toBe(0)
      expect(2 ** (32 - prefix)).toBeGreaterThan(nodes + 16)
      expect(candidates.filter((other) => overlaps(other, candidate))).toEqual([candidate])
    }
  }
})

test('two labs begin to look for a subnet at different places', () => {
  expect(subnetCandidates('classic-0a1b2c', 4)[0]).not.toBe(subnetCandidates('classic-ffffff', 4)[0])
})

test('images keep their ids and get the names nodes know them by', () => {
  const id = 'a'.repeat(64)
  const other = 'b'.repeat(64)
  const manifest = [
    { Config: `${id}.json`, RepoTags: ['lab-base:1'] },
    { Config: `blobs/sha256/${other}`, RepoTags: ['lab-edge:2'] },
  ]
  const renamed = renameImages(manifest, [
    { tag: 'lab-base:1', loadedTag: 'debian:trixie-slim' },
    { tag: 'lab-edge:2', loadedTag: 'lab-edge:latest' },
  ])
  expect(renamed.list).toBe(`debian:trixie-slim sha256:${id}\nlab-edge:latest sha256:${other}\n`)
  expect(JSON.parse(renamed.manifest)).toMatchObject([
    { Config: `${id}.json`, RepoTags: ['debian:trixie-slim'] },
    { RepoTags: ['lab-edge:latest'] },
  ])
})

test('tags of images follow from their recipes: a changed file changes that image and those upon it', async () => {
  const write = async (file: string, content: string) => {
    await mkdir(join(directory, file, '..'), { recursive: true })
    await writeFile(join(directory, file), content)
  }
  for (const image of ['base', 'packages', 'edge', 'node']) await write(`${image}/Dockerfile`, 'FROM scratch')
  const before = await imageTags(directory)
  await write('edge/Dockerfile', 'FROM scratch\nUSER nobody')
  const after = await imageTags(directory)
  expect(after.base).toBe(before.base)
  expect(after.packages).toBe(before.packages)
  expect(after.edge).not.toBe(before.edge)
  expect(after.node).not.toBe(before.node)
  expect(before.node).toMatch(/^lab-node:[0-9a-f]{12}$/)
})

test("a build gets the recipe's files, executable ones as such, and the extra ones", async () => {
  await writeFile(join(directory, 'extra'), 'more')
  const modes: Record<string, number | undefined> = {}
  const context = await buildContext('node', [{ name: 'seed.tar', path: join(directory, 'extra') }])
  for await (const entry of context.pipe(extract())) {
    modes[entry.header.name] = entry.header.mode
    entry.resume()
  }
  expect(modes).toMatchObject({ Dockerfile: 0o644, 'rootfs/usr/lib/lab/entrypoint': 0o755, 'seed.tar': 0o644 })
})

test('the engine is the one the docker command talks to', async () => {
  const env = { DOCKER_CONFIG: directory }
  expect(await engineAddress(env)).toMatchObject({ socketPath: '/var/run/docker.sock', chosen: false })
  expect(await engineAddress({ ...env, DOCKER_HOST: 'unix:///run/other.sock' })).toMatchObject({
    socketPath: '/run/other.sock',
    chosen: true,
  })
  const meta = join(directory, 'contexts', 'meta', createHash('sha256').update('desktop').digest('hex'))
  await mkdir(meta, { recursive: true })
  await writeFile(
    join(meta, 'meta.json'),
    JSON.stringify({ Endpoints: { docker: { Host: 'unix:///home/me/docker.sock' } } }),
  )
  await writeFile(join(directory, 'config.json'), JSON.stringify({ currentContext: 'desktop' }))
  expect(await engineAddress(env)).toMatchObject({ socketPath: '/home/me/docker.sock', chosen: true })
  expect(await engineAddress({ ...env, DOCKER_CONTEXT: 'default' })).toMatchObject({ chosen: false })
})

test('an engine on another machine is refused: its loopback is not ours', async () => {
  const env = { DOCKER_CONFIG: directory, DOCKER_HOST: 'tcp://192.0.2.9:2375' }
  await expect(engineAddress(env)).rejects.toMatchObject({ code: 'REMOTE_ENGINE' })
})
