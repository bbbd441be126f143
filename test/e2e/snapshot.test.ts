import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../../src/model/wait.ts'
import { messageTexts, postMessage } from './client.ts'
import {
  container,
  docker,
  ensureSample,
  lab,
  labDirectory,
  labDocument,
  labEvents,
  labId,
  labOk,
  status,
} from './harness.ts'

interface Snapshots {
  readonly snapshots: readonly {
    readonly name: string
    readonly sizeBytes: number
    readonly machines: readonly object[]
  }[]
}

let edge: string
beforeAll(async () => {
  edge = (await ensureSample(2)).edge
})
afterAll(async () => {
  await lab(['snapshot', 'delete', 'before'])
})

/** What makes a node the one it is, besides its address. */
const identity = async () =>
  docker('exec', await container('node2'), 'cat', '/etc/machine-id', '/etc/ssh/ssh_host_ed25519_key.pub')

const names = async () => (await labDocument<Snapshots>(['snapshot', 'list'])).snapshots.map(({ name }) => name)

test('what was saved comes back whole, whatever was done to the lab meanwhile', async () => {
  const mark = `saved ${String(Date.now())}`
  await postMessage(edge, mark)
  const before = await status()
  const node2 = await identity()
  const saved = await labEvents(['snapshot', 'save', 'before'])
  expect(saved.ran.exitCode, saved.ran.stdout).toBe(0)
  expect(saved.last).toMatchObject({ type: 'snapshot-saved', snapshot: 'before', nodes: 4 })
  expect(saved.last['sizeBytes']).toBeGreaterThan(0)
  expect(await messageTexts(edge)).toContain(mark)
  expect((await lab(['snapshot', 'save', 'before'])).exitCode).toBe(64)

  const later = `later ${String(Date.now())}`
  await postMessage(edge, later)
  await labOk(['rm', 'nginx'])
  await docker('exec', await container('node2'), 'sh', '-c', 'echo other >/etc/machine-id; : >/etc/made-later')
  // Without a terminal to ask on, and without --yes, nothing happens.
  const unasked = await lab(['snapshot', 'restore', 'before'])
  expect(unasked.exitCode).toBe(64)
  expect(unasked.stderr).toContain('lab snapshot restore before --yes')
  // The keys of .lab/ are saved with the lab.
  const lost = join(labDirectory(), '.lab')
  await rename(lost, `${lost}.lost`)

  const restored = await labEvents(['snapshot', 'restore', 'before', '--yes'])
  expect(restored.ran.exitCode, restored.ran.stdout).toBe(0)
  expect(restored.last).toMatchObject({ type: 'snapshot-restored', snapshot: 'before', nodes: 4 })
  const seconds = (event: typeof saved.last) => `${String(Math.round(Number(event['durationMs']) / 100) / 10)} s`
  const mebibytes = (bytes: unknown) => `${String(Math.round(Number(bytes) / 2 ** 20))} MiB`
  console.log(
    `saved in ${seconds(saved.last)}, ${mebibytes(saved.last['sizeBytes'])} and ${mebibytes(saved.last['sharedBytes'])} shared; restored in ${seconds(restored.last)}`,
  )
  await rm(`${lost}.lost`, { recursive: true })

  const after = await status()
  expect(after.edge).toBe(before.edge)
  expect(after.nodes).toEqual(before.nodes)
  const standing = (now: typeof after) => now.services.map(({ name, desired, running }) => ({ name, desired, running }))
  expect(standing(after)).toEqual(standing(before))
  expect(after.volumes.map(({ name, owner }) => ({ name, owner }))).toEqual(
    before.volumes.map(({ name, owner }) => ({ name, owner })),
  )
  const kept = await waitFor(async () => messageTexts(edge).catch(() => undefined), {
    deadlineMs: 60_000,
    what: 'the guest book',
  })
  expect(kept).toContain(mark)
  expect(kept).not.toContain(later)
  expect(await identity()).toBe(node2)
  expect(await docker('exec', await container('node2'), 'ls', '/etc')).not.toContain('made-later')
  expect((await lab(['plan'])).exitCode).toBe(0)
})

test('a save that is cut off is not listed, and the next command about snapshots takes away what it left', async () => {
  const id = await labId()
  const label = (text: string) => ['--filter', `label=${text}`]
  await docker('volume', 'create', '--label', `lab.id=${id}`, '--label', 'lab.snapshot=half', `${id}.half.node1.docker`)
  expect(await names()).toContain('before')
  expect(await names()).not.toContain('half')
  expect((await lab(['snapshot', 'restore', 'half', '--yes'])).exitCode).toBe(64)
  await labOk(['snapshot', 'delete', 'before'])
  expect(await names()).not.toContain('before')
  for (const gone of ['lab.snapshot=before', 'lab.snapshot=half', 'lab.staged', 'lab.restoring'])
    expect(await docker('volume', 'ls', '-q', ...label(`lab.id=${id}`), ...label(gone))).toBe('')
  expect(await docker('images', '-q', `lab-snapshot/${id}/before`)).toBe('')
})
