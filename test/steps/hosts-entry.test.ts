import { expect, test } from 'vitest'
import type { HostsLine } from '../../src/facts/hosts-file.ts'
import { hostsEntry } from '../../src/steps/hosts-entry.ts'
import { consider } from './step-case.ts'

const facts = (...lines: readonly string[]) => ({
  'hosts-file': lines.map((text): HostsLine => {
    const [address = '', ...names] = text.split(' ')
    return { address, names }
  }),
})
const wanted = hostsEntry({ address: '192.0.2.10', names: ['db.example', 'db'] })

test('the names on a line of their own are nothing to do', async () => {
  expect((await consider(wanted, facts('127.0.0.1 localhost', '192.0.2.10 db.example db'))).changes).toEqual([])
  expect((await consider(wanted, facts('192.0.2.10 db.example db', '2001:db8::1 db'))).changes).toEqual([])
})

test('names with another address, with two, or with none are named', async () => {
  const { changes, commands } = await consider(wanted, facts('192.0.2.11 db', '192.0.2.10 db'))
  expect(changes).toEqual([
    { path: 'db.example', from: undefined, to: '192.0.2.10' },
    { path: 'db', from: '192.0.2.11, 192.0.2.10', to: '192.0.2.10' },
  ])
  expect(commands[0]?.argv.slice(-3)).toEqual(['present', '192.0.2.10', 'db.example db'])
})

test('the first name comes first, and no other stands among them', async () => {
  const order = await consider(wanted, facts('192.0.2.10 db db.example'))
  expect(order.changes).toMatchObject([{ path: '192.0.2.10', to: 'db.example db' }])
})

test('names that must have no address lose it; with an address given, that one only', async () => {
  const absent = hostsEntry({ names: ['db'], absent: true })
  expect((await consider(absent, facts('192.0.2.1 db', '::1 db'))).changes).toEqual([
    { path: 'db', from: '192.0.2.1, ::1', to: undefined },
  ])
  const one = hostsEntry({ names: ['db'], address: '192.0.2.2', absent: true })
  expect((await consider(one, facts('192.0.2.1 db', '::1 db'))).changes).toEqual([])
})

test('what an earlier step is about to write cannot be told about; what is no address or name is refused', async () => {
  await expect(consider(wanted, facts(), ['/etc/hosts'])).rejects.toThrow('is about to change')
  expect(() => hostsEntry({ address: '192.0.2', names: ['a'] })).toThrow('not an address')
  expect(() => hostsEntry({ address: '192.0.2.1', names: ['a b'] })).toThrow('not a name for a host')
  expect(() => hostsEntry({ address: '192.0.2.1', names: [] })).toThrow('name a name')
})
