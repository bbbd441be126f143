import { expect, test } from 'vitest'
import { directory } from '../../src/steps/directory.ts'
import { consider, path } from './step-case.ts'

const KEY = 'path:/srv/data'

test('a directory with its mode and owner is nothing to do, one without is made', async () => {
  const wanted = directory({ path: '/srv/data', mode: 0o750 })
  expect((await consider(wanted, { [KEY]: path({ type: 'directory', mode: 0o750 }) })).changes).toEqual([])
  const { changes, commands } = await consider(wanted, { [KEY]: path() })
  expect(changes).toEqual([{ path: 'type', from: undefined, to: 'directory' }])
  expect(commands[0]?.argv.slice(-3)).toEqual(['/srv/data', '0750', 'root:root'])
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
