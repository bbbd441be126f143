import { expect, test } from 'vitest'
import { group } from '../../src/steps/group.ts'
import { consider } from './step-case.ts'

const facts = { accounts: { users: new Map(), groups: new Map([['ops', { gid: 4000, members: [] }]]) } }

test('a group that is there is nothing to do, one that is not is made', async () => {
  expect((await consider(group({ name: 'ops', gid: 4000 }), facts)).changes).toEqual([])
  const { changes, commands } = await consider(group({ name: 'dev', system: true }), facts)
  expect(changes).toEqual([{ path: 'exists', from: 'no', to: 'yes' }])
  expect(commands).toEqual([{ argv: ['groupadd', '--system', '--', 'dev'] }])
})

test('another number is mended, and what must be absent is removed', async () => {
  const moved = await consider(group({ name: 'ops', gid: 4001 }), facts)
  expect(moved.changes).toEqual([{ path: 'gid', from: '4000', to: '4001' }])
  expect(moved.commands).toEqual([{ argv: ['groupmod', '--gid', '4001', '--', 'ops'] }])
  expect((await consider(group({ name: 'ops', absent: true }), facts)).commands[0]?.argv[0]).toBe('groupdel')
  expect((await consider(group({ name: 'dev', absent: true }), facts)).changes).toEqual([])
})

test('what is no name and no number is refused', () => {
  expect(() => group({ name: '-ops' })).toThrow('not the name of a group')
  expect(() => group({ name: 'ops', gid: -1 })).toThrow('not a gid')
})
