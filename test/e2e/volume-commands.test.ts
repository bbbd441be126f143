import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { missingMessages, postMessage, startWriter } from './client.ts'
import { container, docker, ensureSample, lab, labDirectory, labDocument, labEvents, labOk } from './harness.ts'

interface Inspected {
  readonly name: string
  readonly owner: string
  readonly epoch: number
  readonly usedBytes: number
  readonly limitBytes?: number
  readonly snapshotList: readonly { readonly name: string }[]
  readonly holders: readonly string[]
  readonly copies: readonly { readonly node: string; readonly state: string }[]
}

const MADE = ['scratch', 'neighbour', 'mongo-imported', 'mongo-clone']
let edge: string

beforeAll(async () => {
  edge = (await ensureSample(2)).edge
})
afterAll(async () => {
  for (const name of MADE) await lab(['volume', 'destroy', name, '--yes'])
})

const inspect = (volume: string) => labDocument<Inspected>(['volume', 'inspect', volume])

/** The digest of all that a volume holds now. */
async function digest(volume: string): Promise<string> {
  const { stdout } = await labOk(['volume', 'verify', volume])
  const [, found = 'none'] = /can be read on \S+ \(([0-9a-f]{16})\)/.exec(stdout) ?? []
  expect(found).not.toBe('none')
  return found
}

/** Runs a shell line on a node. */
async function onNode(node: string, line: string): Promise<string> {
  return docker('exec', await container(node), 'sh', '-c', line)
}

test('a volume with a limit refuses who writes more, and its neighbour does not notice', async () => {
  await labOk(['volume', 'create', 'scratch', '--on', 'node2', '--limit', '64MiB'])
  await labOk(['volume', 'create', 'neighbour', '--on', 'node2'])
  const write = (volume: string) =>
    onNode('node2', `dd if=/dev/urandom of=/run/lab/volumes/${volume}/file bs=1M count=100 conv=fsync 2>&1 || true`)
  expect(await write('scratch')).toMatch(/quota|No space/i)
  expect(await write('neighbour')).not.toMatch(/quota|No space/i)
  const before = await inspect('scratch')
  const refused = await lab(['volume', 'resize', 'scratch', '1MiB'])
  expect(refused.exitCode).toBe(1)
  expect(refused.stderr).toMatch(/holds/)
  expect((await inspect('scratch')).limitBytes).toBe(before.limitBytes)
  await labOk(['volume', 'resize', 'scratch', '512MiB'])
  expect(await write('scratch')).not.toMatch(/quota|No space/i)
})

test('a rollback under writes puts data and service back, and keeps what was there', async () => {
  const series = `rollback ${String(Date.now())}`
  const first = startWriter(edge, `${series} before`)
  await labOk(['volume', 'snapshot', 'mongo', 'e2e-before'])
  const early = await first.stop()
  const { epoch, owner } = await inspect('mongo')
  await postMessage(edge, `${series} later`)
  expect(await missingMessages(edge, [`${series} later`])).toEqual([])
  await labOk(['volume', 'rollback', 'mongo', 'e2e-before', '--yes'])
  const after = await inspect('mongo')
  expect(after).toMatchObject({ owner, epoch: epoch + 1 })
  const kept = `before-rollback-${String(epoch)}`
  expect(after.snapshotList.map(({ name }) => name)).toEqual(expect.arrayContaining(['e2e-before', kept]))
  expect(await missingMessages(edge, [`${series} later`])).toEqual([`${series} later`])
  // Back again: the kept snapshot is one like any other, and holds every write from before.
  await labOk(['volume', 'rollback', 'mongo', kept, '--yes'])
  expect(await missingMessages(edge, [...early, `${series} later`])).toEqual([])
  for (const name of ['e2e-before', kept, `before-rollback-${String(epoch + 1)}`]) {
    await labOk(['volume', 'snapshot', 'mongo', '--delete', name])
  }
})

test('what is used is not destroyed, and who uses it is named', async () => {
  const { exitCode, stderr } = await lab(['volume', 'destroy', 'mongo', '--yes'])
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/mongo/)
  expect((await inspect('mongo')).holders.join()).toContain('mongo')
})

test('an export is imported whole, and one that is cut or changed leaves nothing', async () => {
  const file = join(labDirectory(), 'mongo.lab')
  try {
    // Nothing is written from here on, so that both can be compared.
    await labOk(['volume', 'snapshot', 'mongo', 'e2e-export'])
    await labOk(['volume', 'export', 'mongo', file, '--snapshot', 'e2e-export'])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const bytes = await readFile(file)
    const middle = Math.floor(bytes.length / 2)
    bytes[middle] = (bytes[middle] ?? 0) ^ 1
    await writeFile(`${file}.flipped`, bytes)
    await writeFile(`${file}.cut`, bytes.subarray(0, middle))
    for (const broken of [`${file}.flipped`, `${file}.cut`]) {
      expect((await lab(['volume', 'import', broken, 'mongo-imported'])).exitCode).toBe(1)
    }
    expect((await lab(['volume', 'inspect', 'mongo-imported'])).exitCode).toBe(64)
    await labOk(['volume', 'import', file, 'mongo-imported', '--on', 'node3'])
    expect((await inspect('mongo-imported')).owner).toBe('node3')
    expect(await digest('mongo-imported')).toBe(await digest('mongo'))
    await labOk(['volume', 'snapshot', 'mongo', '--delete', 'e2e-export'])
  } finally {
    for (const each of [file, `${file}.flipped`, `${file}.cut`]) await rm(each, { force: true })
  }
})

test('a clone is a volume of its own', async () => {
  await labOk(['volume', 'clone', 'mongo', 'mongo-clone'])
  const [original, clone] = [await inspect('mongo'), await inspect('mongo-clone')]
  expect(clone).toMatchObject({ owner: original.owner, epoch: 1 })
  await onNode(clone.owner, 'echo mine > /run/lab/volumes/mongo-clone/mine')
  expect(await onNode(clone.owner, `ls /run/lab/volumes/${original.name}`)).not.toContain('mine')
})

test('a container outside the swarm is named before anything is copied', async () => {
  const { owner } = await inspect('neighbour')
  const probe = await onNode(owner, "docker images --format '{{.Repository}}:{{.Tag}}' lab-probe | head -1")
  await onNode(owner, `docker run -d --name intruder -v /run/lab/volumes/neighbour:/x ${probe}`)
  try {
    const [moved, destroyed] = [
      await lab(['volume', 'move', 'neighbour', '--to-node', 'node3']),
      await lab(['volume', 'destroy', 'neighbour', '--yes']),
    ]
    for (const { exitCode, stderr } of [moved, destroyed]) {
      expect(exitCode).toBe(1)
      expect(stderr).toContain('container intruder')
    }
    expect(await inspect('neighbour')).toMatchObject({ owner, epoch: 1, snapshotList: [] })
  } finally {
    await onNode(owner, 'docker rm -f intruder')
  }
})

test('several volumes move at once as was foreseen, keep limits, and leave a node that is emptied', async () => {
  const before = await inspect('scratch')
  const { ran, last: foreseen } = await labEvents(['move-volume', 'scratch', 'node1', '--check', '--max-pause', '2s'])
  expect(ran.exitCode, ran.stdout).toBe(0)
  expect(foreseen).toMatchObject({
    type: 'move-checked',
    from: before.owner,
    to: 'node1',
    downtimeMs: 0,
    refused: false,
  })
  expect(await inspect('scratch')).toEqual(before)
  const { events } = await labEvents(['volume', 'move', 'scratch', 'neighbour', '--to-node', 'node1'])
  for (const name of ['scratch', 'neighbour']) expect(await inspect(name)).toMatchObject({ owner: 'node1' })
  const moved = events.find(({ type, volume }) => type === 'moved' && volume === 'scratch')
  const sent = Number(moved?.['bytesSent'])
  expect(sent).toBeGreaterThan(20 * 2 ** 20)
  expect(Number(foreseen['bytes']) / sent).toBeGreaterThan(0.5)
  expect(Number(foreseen['bytes']) / sent).toBeLessThan(2)
  await labOk(['volume', 'resize', 'scratch', '128MiB'])
  await labOk(['volume', 'move', '--evacuate', 'node1'])
  const { volumes } = await labDocument<{ volumes: readonly { owner: string }[] }>(['volume', 'list'])
  expect(volumes.filter(({ owner }) => owner === 'node1')).toEqual([])
  const { owner } = await inspect('scratch')
  const line = 'dd if=/dev/urandom of=/run/lab/volumes/scratch/more bs=1M count=100 conv=fsync 2>&1 || true'
  expect(await onNode(owner, line)).toMatch(/quota|No space/i)
})
