import { expect, test } from 'vitest'
import type { Step } from '../../src/model/step.ts'
import { directory } from '../../src/steps/directory.ts'
import { file } from '../../src/steps/file.ts'
import { consider, path } from './step-case.ts'

const KEY = 'path:/srv/data'

test('a directory with its mode and owner is nothing to do, one without is made', async () => {
  const wanted = directory({ path: '/srv/data', mode: 0o750 })
  expect((await consider(wanted, { [KEY]: path({ type: 'directory', mode: 0o750 }) })).changes).toEqual([])
  const { changes, commands } = await consider(wanted, { [KEY]: path() })
  expect(changes).toEqual([{ path: 'type', from: undefined, to: 'directory' }])
  expect(commands[0]?.argv.slice(-3)).toEqual(['/srv/data', '00750', 'root:root'])
})

test('another mode is mended', async () => {
  const { changes } = await consider(directory({ path: '/srv/data' }), {
    [KEY]: path({ type: 'directory', mode: 0o700 }),
  })
  expect(changes).toEqual([{ path: 'mode', from: '0700', to: '0755' }])
})

test('an absent one is removed with what is in it, but nothing near the root ever is', async () => {
  const { commands } = await consider(directory({ path: '/srv/data', absent: true }), {
    [KEY]: path({ type: 'directory' }),
  })
  expect(commands[0]?.argv).toEqual(['rm', '-rf', '--one-file-system', '--', '/srv/data'])
  expect(() => directory({ path: '/srv', absent: true })).toThrow('too near the root')
  expect(() => directory({ path: '/', absent: true })).toThrow('too near the root')
})

const there = path({ type: 'directory', mode: 0o755 })
const looked = (step: Step, fact: unknown, pending: string[] = []) =>
  consider(step, { [KEY]: there, [step.queries[1]?.key ?? '']: fact }, pending)

test('what nothing names is removed, whole directories at once; the way to what stays is kept', async () => {
  const keep = [file({ path: '/srv/data/a/kept', content: '' })]
  const step = directory({ path: '/srv/data', purge: { keep, except: ['*.local', 'b/c?'] } })
  expect((await looked(step, ['a', 'a/kept', 'x.local', 'b', 'b/cc', 'b/cc/d'])).changes).toEqual([])
  const { changes, commands } = await looked(step, ['a', 'a/kept', 'b', 'b/c', 'b/c/d', 'x', 'x/y.local', 'x/z'])
  expect(changes.map((change) => change.path)).toEqual(['b', 'x/z'])
  expect(commands[1]).toMatchObject({ stdin: '/srv/data/b\0/srv/data/x/z\0' })
})

test('what in it has another owner or mode is told by name, and mended', async () => {
  const step = directory({ path: '/srv/data', recursive: { owner: 'ada:ops', fileMode: 0o640 } })
  const none = { count: 0, first: [] }
  const found = new Map([
    ['owner', { count: 5, first: ['a', 'b', 'c'] }],
    ['mode of files', none],
  ])
  const { changes, commands } = await looked(step, found)
  expect(changes).toEqual([{ path: 'owner in it', from: 'otherwise: a, b, c and 2 more', to: 'as wanted' }])
  expect(commands[1]?.argv.slice(-6)).toEqual(['-exec', 'chown', '-h', '--', 'ada:ops', '{}', '+'].slice(1))
  expect((await looked(step, new Map([['owner', none]]))).changes).toEqual([])
  await expect(looked(step, found, ['/srv/data/new'])).rejects.toThrow('/srv/data/new is about to change')
})

test('only what concerns nobody else is applied together with others', () => {
  expect(directory({ path: '/srv/data' }).selfContained).toBe(true)
  expect(directory({ path: '/srv/data', purge: {} }).selfContained).toBe(false)
})

test('a purge near the root, or by steps that name no file, is refused', () => {
  expect(() => directory({ path: '/srv', purge: {} })).toThrow('too near the root')
  expect(() => directory({ path: '/srv/a', purge: { keep: [directory({ path: '/srv/a/b' })] } })).toThrow(
    'names no file',
  )
  expect(() => directory({ path: '/srv/a', purge: { except: ['/srv/a/b'] } })).toThrow('leave out the slash')
})
