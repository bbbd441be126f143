import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { unpackedState, type UnpackedState } from '../../src/facts/archive.ts'
import { archive, type ArchiveOptions } from '../../src/steps/archive.ts'
import { consider, path } from './step-case.ts'

const options: ArchiveOptions = { source: '/srv/tool.tar', path: '/opt/tool', strip: 1 }
const digest = 'a'.repeat(64)
const unpacked = (state: Partial<UnpackedState> = {}): UnpackedState => ({
  type: 'unpacked',
  source: digest,
  manner: 'strip=1,owner=root:root',
  intact: true,
  ...state,
})
const seen = (state: UnpackedState, wanted = options, archived = path({ type: 'file', digest })) =>
  consider(archive(wanted), { 'unpacked:/opt/tool': state, 'path:/srv/tool.tar': archived })

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lab-archive-'))
  writeFileSync(join(directory, 'own.tar'), 'own')
})
afterAll(() => rmSync(directory, { recursive: true }))

test('what was unpacked from this very archive in this manner is left alone', async () => {
  expect((await seen(unpacked())).changes).toEqual([])
})

test('nothing, another archive, another manner and a change by hand are each named, and all is unpacked as a unit', async () => {
  const content = async (state: UnpackedState) => (await seen(state)).changes
  const to = 'sha256:aaaaaaaaaaaa'
  expect(await content(unpacked({ type: 'absent' }))).toEqual([{ path: 'content', from: undefined, to }])
  expect(await content(unpacked({ type: 'empty' }))).toEqual([{ path: 'content', from: undefined, to }])
  expect(await content(unpacked({ source: 'b'.repeat(64) }))).toEqual([
    { path: 'content', from: 'sha256:bbbbbbbbbbbb', to },
  ])
  expect(await content(unpacked({ intact: false }))).toEqual([{ path: 'content', from: 'changed by hand', to }])
  const { changes, commands } = await seen(unpacked({ manner: 'strip=0,owner=root:root' }))
  expect(changes.map((change) => change.path)).toEqual(['manner'])
  expect(commands[0]?.argv.slice(3)).toEqual([
    'unpack',
    '/opt/tool',
    '/srv/tool.tar',
    digest,
    'strip=1,owner=root:root',
    '1',
    'root:root',
  ])
  expect(commands[0]?.unit).toMatch(/^lab-unpack-[0-9a-f]{12}$/)
})

test('what came from no archive is named in a plan and never overwritten', async () => {
  for (const type of ['foreign', 'other'] as const) {
    await expect(seen(unpacked({ type }))).rejects.toMatchObject({ code: 'FOREIGN_DIRECTORY' })
  }
})

test('an archive that is not there yet cannot be judged; with a checksum it need not be', async () => {
  await expect(seen(unpacked(), options, path())).rejects.toThrow('there is no archive /srv/tool.tar')
  const known = archive({ source: '/srv/tool.tar', path: '/opt/tool', strip: 1, sha256: digest })
  expect((await consider(known, { 'unpacked:/opt/tool': unpacked() })).changes).toEqual([])
})

test('an archive of this machine travels on standard input', async () => {
  const own = archive({ local: join(directory, 'own.tar'), path: '/opt/tool' })
  const { commands } = await consider(own, { 'unpacked:/opt/tool': unpacked({ type: 'absent' }) })
  expect(commands[0]?.argv[5]).toBe('-')
  expect(Buffer.from(commands[0]?.stdin as Uint8Array).toString()).toBe('own')
  expect(() => archive({ local: '/no/such.tar', path: '/opt/tool' })).toThrow('cannot be read')
})

test('options that no node could fulfil are refused', () => {
  expect(() => archive({ source: '/a.tar', path: '/usr' })).toThrow('too near the root')
  expect(() => archive({ source: '/a.tar', path: '/opt/a', sha256: 'abc' })).toThrow('no SHA-256')
  expect(() => archive({ source: '/a.tar', path: '/opt/a', strip: -1 })).toThrow('number of parts')
})

test('the fact tells paths apart by their order', () => {
  const stdout = `absent - - - -\nunpacked ${digest} strip=0,owner=a:b t1 t2\n`
  const parse = unpackedState('/a').batch?.family.parse({ status: 0, stdout, stderr: '' }, ['/a', '/b'])
  expect(parse?.get('/a')?.type).toBe('absent')
  expect(parse?.get('/b')).toEqual({ type: 'unpacked', source: digest, manner: 'strip=0,owner=a:b', intact: false })
})
