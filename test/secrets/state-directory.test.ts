import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStateDirectory } from '../../src/secrets/state-directory.ts'

let parent: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'state-'))
})
afterEach(() => rm(parent, { recursive: true }))

test('nothing is made before the first write, and then for the owner only', async () => {
  const state = openStateDirectory(join(parent, '.lab'))
  expect(await state.read('key')).toBeUndefined()
  expect(await readdir(parent)).toEqual([])
  await state.write('keys/one', 'secret')
  for (const [path, mode] of [
    ['.lab', 0o700],
    ['.lab/keys', 0o700],
    ['.lab/keys/one', 0o600],
  ] as const) {
    expect((await stat(join(parent, path))).mode & 0o777).toBe(mode)
  }
})

test('the files there are can be listed, at any depth; without a directory there are none', async () => {
  const state = openStateDirectory(join(parent, '.lab'))
  expect(await state.list()).toEqual([])
  await state.write('host_keys/node1', 'secret')
  await state.write('ca.pem', 'secret')
  expect(await state.list()).toEqual(['ca.pem', 'host_keys/node1'])
})

test('many who ask for a file at once all get the one that is made', async () => {
  const state = openStateDirectory(join(parent, '.lab'))
  let made = 0
  const texts = await Promise.all(
    Array.from({ length: 8 }, () => state.readOrCreate('key', () => `key ${String(++made)}`)),
  )
  expect(new Set(texts)).toEqual(new Set(['key 1']))
  expect(await openStateDirectory(join(parent, '.lab')).readOrCreate('key', () => 'another')).toBe('key 1')
})
