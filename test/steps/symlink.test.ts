import { expect, test } from 'vitest'
import { symlink } from '../../src/steps/symlink.ts'
import { consider, path } from './step-case.ts'

const wanted = symlink({ path: '/etc/localtime', target: '../usr/share/zoneinfo/UTC' })
const KEY = 'path:/etc/localtime'

test('a link that points there is nothing to do; elsewhere, or no link, it is put in place', async () => {
  const link = (target: string) => path({ type: 'symlink', mode: 0o777, target })
  expect((await consider(wanted, { [KEY]: link('../usr/share/zoneinfo/UTC') })).changes).toEqual([])
  const elsewhere = await consider(wanted, { [KEY]: link('/nowhere') })
  expect(elsewhere.changes).toEqual([{ path: 'target', from: '/nowhere', to: '../usr/share/zoneinfo/UTC' }])
  expect(elsewhere.commands[0]?.argv.slice(-2)).toEqual(['/etc/localtime', '../usr/share/zoneinfo/UTC'])
  expect((await consider(wanted, { [KEY]: path({ type: 'file' }) })).changes).toMatchObject([{ path: 'type' }])
})

test('a target has to be one line', () => {
  expect(() => symlink({ path: '/x', target: '' })).toThrow('not a target')
  expect(() => symlink({ path: '/x', target: 'a\nb' })).toThrow('not a target')
})
