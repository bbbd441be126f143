import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { absentFile, file } from '../../src/steps/file.ts'
import { consider, path } from './step-case.ts'

const KEY = 'path:/etc/x'
const digest = (text: string) => createHash('sha256').update(text).digest('hex')
const there = (text: string) => path({ type: 'file', mode: 0o644, digest: digest(text) })
const wanted = file({ path: '/etc/x', content: 'new' })

test('the same content, mode and owner is nothing to do', async () => {
  expect((await consider(wanted, { [KEY]: there('new') })).changes).toEqual([])
})

test('another content is written from standard input, under the path it replaces', async () => {
  const { changes, commands } = await consider(wanted, { [KEY]: there('old') })
  expect(changes).toEqual([
    { path: 'content', from: `sha256:${digest('old').slice(0, 12)}`, to: `sha256:${digest('new').slice(0, 12)}` },
  ])
  expect(commands).toMatchObject([{ stdin: 'new' }])
  expect(commands[0]?.argv.slice(-3)).toEqual(['/etc/x', '0644', 'root:root'])
})

test('another mode or owner is mended without touching the content', async () => {
  const state = { ...there('new'), mode: 0o4600, user: 'daemon', uid: 1 }
  const { changes, commands } = await consider(wanted, { [KEY]: state })
  expect(changes).toEqual([
    { path: 'mode', from: '4600', to: '0644' },
    { path: 'owner', from: 'daemon:root', to: 'root:root' },
  ])
  expect(commands[0]).not.toHaveProperty('stdin')
})

test('owners may be numbers, and a group that is not named is left alone', async () => {
  const state = { ...there('new'), user: 'UNKNOWN', uid: 4711, group: 'adm', gid: 4 }
  const owned = (owner: string) => consider(file({ path: '/etc/x', content: 'new', owner }), { [KEY]: state })
  expect((await owned('4711')).changes).toEqual([])
  expect((await owned('4711:4')).changes).toEqual([])
  expect((await owned('root')).changes).toEqual([{ path: 'owner', from: 'UNKNOWN', to: 'root' }])
})

test('a secret shows neither its content nor its digest, and nobody else may read it', async () => {
  const secret = file({ path: '/etc/x', content: 'hunter2', secret: true })
  const { changes, commands } = await consider(secret, { [KEY]: there('old') })
  expect(changes).toEqual([
    { path: 'content', from: '***', to: '***' },
    { path: 'mode', from: '0644', to: '0600' },
  ])
  expect(commands).toMatchObject([{ stdin: 'hunter2', secrets: ['hunter2'] }])
  expect(secret.preview).toBeUndefined()
})

test('something else in its place is replaced; what must be absent is removed', async () => {
  const link = path({ type: 'symlink', mode: 0o777, target: '/etc/y' })
  expect((await consider(wanted, { [KEY]: link })).changes).toEqual([{ path: 'type', from: 'symlink', to: 'file' }])
  expect((await consider(absentFile('/etc/x'), { [KEY]: link })).changes).toHaveLength(1)
  expect((await consider(absentFile('/etc/x'), { [KEY]: path() })).changes).toEqual([])
})

test.each([
  ['relative/path', 'must be absolute'],
  ['/etc/../x', 'must not hold . or ..'],
  ['/etc/x\n', 'control characters'],
  ['/etc//x', 'a slash too many'],
])('%j is refused when the playbook is read: %s', (bad, why) => {
  expect(() => file({ path: bad, content: '' })).toThrow(why)
})

test('a mode written in decimal by mistake, and an owner that chown would misread, are refused', () => {
  expect(() => file({ path: '/x', content: '', mode: 644444 })).toThrow('octal')
  expect(() => file({ path: '/x', content: '', owner: '-R root' })).toThrow('not an owner')
})
