import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Machine, ReachedHost } from '../../src/model/provider.ts'
import { openStateDirectory, type StateDirectory } from '../../src/secrets/state-directory.ts'
import { destroy } from '../../src/workflows/destroy.ts'
import { heldHosts, noteHosts } from '../../src/workflows/held-hosts.ts'
import type { OpenLab } from '../../src/workflows/open-lab.ts'
import { swappedHosts } from '../../src/workflows/swapped-hosts.ts'

let directory: string
let state: StateDirectory
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-held-'))
  state = openStateDirectory(directory)
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const machine = (name: string, host: string, hostKey?: string): Machine => ({
  name,
  state: 'running',
  address: host,
  ssh: { host, port: 22, user: 'root' },
  specDigest: undefined,
  hostKey,
})

/** A lab of which `machines` are nodes now, and where `reached` answer under the names of others. */
function labOf(machines: readonly string[], reached: Readonly<Record<string, ReachedHost>>): OpenLab {
  return {
    lab: { id: 'rack-0a1b2c', name: 'rack', directory, stateDirectory: directory },
    spec: { name: 'rack', provider: 'ssh', nodes: [{ name: 'mgmt' }, { name: 'node1' }] },
    provider: { reached: (name: string) => Promise.resolve(reached[name]) },
    state,
    close: () => Promise.resolve(),
    machines: () => Promise.resolve(machines.map((name) => machine(name, name))),
  } as unknown as OpenLab
}

test('a host is noted beside its node once it is known, and stays noted while it does not answer', async () => {
  await noteHosts(state, ['mgmt', 'node1'])
  expect(await state.read('held-hosts')).toBe('mgmt\nnode1')
  await noteHosts(
    state,
    ['mgmt', 'node1'],
    [machine('mgmt', '10.0.0.5', 'ssh-ed25519 AAAA'), machine('node1', '10.0.0.6')],
  )
  await noteHosts(state, ['mgmt', 'node1', 'node2'])
  expect(await state.read('held-hosts')).toBe('mgmt 10.0.0.5:22 ssh-ed25519 AAAA\nnode1\nnode2')
  expect(await heldHosts(state)).toEqual(['mgmt', 'node1', 'node2'])
})

test('another host under the name of a node is told from the same one by another name, or with another key', async () => {
  await state.write(
    'held-hosts',
    'mgmt 10.0.0.5:22 ssh-ed25519 AAAA\nnode1 10.0.0.6:22 ssh-ed25519 BBBB\ngone 10.0.0.7:22 k C',
  )
  const find = (node1: ReachedHost) => swappedHosts(labOf(['mgmt'], { node1 }))
  expect(await find({ at: '10.0.0.9:22', key: 'ssh-ed25519 CCCC' })).toEqual([
    { name: 'node1', before: '10.0.0.6:22', now: '10.0.0.9:22' },
  ])
  expect(await find({ at: 'node1.lan:22', key: 'ssh-ed25519 BBBB' })).toEqual([])
  // Installed anew.
  expect(await find({ at: '10.0.0.6:22', key: 'ssh-ed25519 CCCC' })).toEqual([])
  expect(await swappedHosts(labOf(['mgmt'], {}))).toEqual([])
  expect(await swappedHosts(labOf(['mgmt', 'node1'], { node1: { at: 'other:22', key: 'k' } }))).toEqual([])
})

test('notes without hosts are read as they were', async () => {
  await state.write('held-hosts', 'mgmt\nnode1')
  expect(await heldHosts(state)).toEqual(['mgmt', 'node1'])
  expect(await swappedHosts(labOf(['mgmt'], { node1: { at: '10.0.0.9:22', key: 'ssh-ed25519 CCCC' } }))).toEqual([])
})

test('a lab is not destroyed while a host of it could not be given back', async () => {
  await state.write('held-hosts', 'mgmt\nnode1 10.0.0.6:22 ssh-ed25519 BBBB')
  const open = labOf(['mgmt'], { node1: { at: '10.0.0.9:22', key: 'ssh-ed25519 CCCC' } })
  await expect(destroy(open, { images: false, snapshots: false })).rejects.toMatchObject({
    code: 'CHANGE_REFUSED',
    message: expect.stringContaining('10.0.0.6:22 is node1 of this lab') as string,
    hint: expect.stringContaining('put 10.0.0.6:22 back') as string,
  })
  expect(await heldHosts(state)).toEqual(['mgmt', 'node1'])
})
