import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LabError } from '../../src/model/errors.ts'
import { openStateDirectory } from '../../src/secrets/state-directory.ts'
import { destroy } from '../../src/workflows/destroy.ts'
import type { OpenLab } from '../../src/workflows/open-lab.ts'

let stateDirectory: string
beforeEach(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), 'lab-destroy-'))
})
afterEach(() => rm(stateDirectory, { recursive: true, force: true }))

/** A lab of hosts of which some are off; tells which of them were given back. */
function labOf(names: readonly string[], off: readonly string[], labs: readonly string[] = []) {
  const gone: string[] = []
  const state = openStateDirectory(stateDirectory)
  const provider = {
    destroy: async (name: string) => {
      if (off.includes(name)) throw new LabError('UNREACHABLE', `${name} is off`, { where: name, hint: `wake ${name}` })
      await setImmediate()
      gone.push(name)
    },
    cleanUp: () => Promise.resolve(),
    labs: () => Promise.resolve(labs.map((id) => ({ id, directory: '/here' }))),
  }
  const open = {
    lab: { id: 'rack-0a1b2c', stateDirectory, name: 'rack', directory: '/here' },
    spec: { provider: 'ssh', name: 'rack' },
    provider,
    state,
    emit: () => undefined,
    close: () => Promise.resolve(),
    machines: () => Promise.resolve(names.map((name) => ({ name }))),
    refresh: () => undefined,
  } as unknown as OpenLab
  return { open, gone, state }
}

test('a machine that cannot be had keeps none of the others, and the key to it stays', async () => {
  const { open, gone, state } = labOf(['a', 'b', 'c', 'd'], ['a', 'c'])
  await state.write('id_ed25519', 'key')
  await expect(destroy(open, { images: false, snapshots: false })).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: 'a is off\n  wake a\nc is off\n  wake c',
    where: 'a, c',
  })
  expect(gone).toEqual(['b', 'd'])
  expect(await state.list()).toEqual(['id_ed25519'])
})

test('one failure is told as it is', async () => {
  const { open } = labOf(['a', 'b'], ['b'])
  await expect(destroy(open, { images: false, snapshots: false })).rejects.toMatchObject({
    message: 'b is off',
    hint: 'wake b',
  })
})

test('the files of a lab that is gone go too', async () => {
  const { open, gone, state } = labOf(['a'], [])
  await state.write('id_ed25519', 'key')
  await destroy(open, { images: false, snapshots: false })
  expect(gone).toEqual(['a'])
  await expect(readdir(stateDirectory)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a lab that has another name than lab.yml gives it is not said to be gone', async () => {
  const { open, state } = labOf([], [], ['before-0a1b2c', 'rack-0a1b2c'])
  await state.write('id_ed25519', 'key')
  await expect(destroy(open, { images: false, snapshots: false })).rejects.toMatchObject({
    code: 'CHANGE_REFUSED',
    exitCode: 64,
    message: expect.stringContaining('"before-0a1b2c" of the same directory is still there') as string,
    hint: expect.stringContaining('name: before)') as string,
  })
  expect(await state.list()).toEqual(['id_ed25519'])
})
