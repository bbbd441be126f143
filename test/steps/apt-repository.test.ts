import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { aptRepository } from '../../src/steps/apt-repository.ts'
import { consider, path } from './step-case.ts'

const KEY = '-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n-----END PGP PUBLIC KEY BLOCK-----\n'
const SOURCES =
  'Types: deb\nURIs: https://a.example/debian\nSuites: trixie\nComponents: main\nSigned-By: /etc/apt/keyrings/a.asc\n'
const sha256 = (...parts: string[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex')
const present = (digest: string) => path({ type: 'file', mode: 0o644, digest })
const facts = ({
  armored = present(sha256(KEY)),
  binary = path(),
  sources = present(sha256(SOURCES)),
  note = present(sha256(sha256(SOURCES, '\0', KEY))),
} = {}) => ({
  'path:/etc/apt/keyrings/a.asc': armored,
  'path:/etc/apt/keyrings/a.gpg': binary,
  'path:/etc/apt/sources.list.d/a.sources': sources,
  'path:/var/lib/lab/apt/a': note,
})
const options = { name: 'a', uris: ['https://a.example/debian'], suites: ['trixie'] }
const wanted = aptRepository({ ...options, key: KEY })

test('a repository that is there, with its key, and fetched is nothing to do', async () => {
  expect((await consider(wanted, facts())).changes).toEqual([])
})

test('the key comes first, then the source that names it, then its lists alone', async () => {
  const { changes, commands } = await consider(wanted, facts({ armored: path(), sources: path(), note: path() }))
  expect(changes.map((change) => change.path)).toEqual(['key (.asc)', 'source', 'lists'])
  expect(commands.map(({ stdin }) => stdin)).toEqual([KEY, SOURCES, undefined])
  expect(commands[2]).toMatchObject({ unit: 'lab-apt' })
})

test('another key, or one in another form, has the lists fetched again', async () => {
  const bytes = Uint8Array.of(0x98, 1, 2)
  const binary = await consider(aptRepository({ ...options, key: bytes }), facts())
  expect(binary.changes.map((change) => change.path)).toEqual(['key (.asc)', 'key (.gpg)', 'source', 'lists'])
  expect(binary.commands.at(-1)?.argv).toEqual(['rm', '-f', '--', '/etc/apt/keyrings/a.asc'])
  const killed = await consider(wanted, facts({ note: path() }))
  expect(killed.changes.map((change) => change.path)).toEqual(['lists'])
})

test('one that must be absent goes with its key', async () => {
  const { commands } = await consider(aptRepository({ name: 'a', absent: true }), facts())
  expect(commands).toHaveLength(1)
  expect(commands[0]?.argv.slice(3)).toEqual([
    '/etc/apt/sources.list.d/a.sources',
    '/etc/apt/keyrings/a.asc',
    '/var/lib/lab/apt/a',
  ])
})

test('what is no key, and a password in an address, are refused', () => {
  expect(() => aptRepository({ ...options, key: 'hello' })).toThrow('not a public key')
  expect(() => aptRepository({ ...options, keyFile: '/no/such/key' })).toThrow('cannot be read')
  expect(() => aptRepository({ ...options, uris: ['https://a:b@c.example'] })).toThrow('auth.conf.d')
  expect(() => aptRepository({ ...options, suites: ['a b'] })).toThrow('not one word')
})
