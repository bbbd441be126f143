import { expect, test } from 'vitest'
import { download } from '../../src/steps/download.ts'
import { consider, path } from './step-case.ts'

const sha256 = 'a'.repeat(64)
const wanted = { url: 'https://example.test/tool', path: '/usr/local/bin/tool', sha256, mode: 0o755 }
const seen = (state: Parameters<typeof path>[0]) =>
  consider(download(wanted), { 'path:/usr/local/bin/tool': path(state) })
const there = { type: 'file', mode: 0o755, digest: sha256 } as const

test('a file with that content is not fetched, wherever it came from', async () => {
  expect((await seen(there)).changes).toEqual([])
})

test('a missing or different file is fetched, as a unit of its own', async () => {
  expect((await seen({})).changes).toEqual([{ path: 'content', from: undefined, to: 'sha256:aaaaaaaaaaaa' }])
  const { changes, commands } = await seen({ ...there, digest: 'b'.repeat(64) })
  expect(changes).toEqual([{ path: 'content', from: 'sha256:bbbbbbbbbbbb', to: 'sha256:aaaaaaaaaaaa' }])
  expect(commands[0]?.argv.slice(3)).toEqual(['download', wanted.url, wanted.path, sha256, 'root:root', '0755'])
  expect(commands[0]?.unit).toMatch(/^lab-download-[0-9a-f]{12}$/)
})

test('another mode alone fetches nothing', async () => {
  const { changes, commands } = await seen({ ...there, mode: 0o600 })
  expect(changes.map((change) => change.path)).toEqual(['mode'])
  expect(commands[0]?.argv.slice(3)).toEqual(['access', wanted.path, 'root:root', '0755'])
})

test('what is no URL, shows a password or has no checksum is refused', () => {
  expect(() => download({ ...wanted, url: 'ftp://example.test/x' })).toThrow('not a http:// or https:// URL')
  expect(() => download({ ...wanted, url: 'https://me:secret@example.test/x' })).toThrow('has a password')
  expect(() => download({ ...wanted, sha256: 'A'.repeat(64) })).toThrow('no SHA-256')
})
