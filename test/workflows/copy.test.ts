import { mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Header } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { renamedHeader } from '../../src/workflows/copy-archive.ts'
import { localEnd } from '../../src/workflows/copy-ends.ts'
import { landing, parseEnd, type PathKind } from '../../src/workflows/copy-paths.ts'
import { transfer } from '../../src/workflows/copy.ts'

describe('what a path means', () => {
  const parse = (text: string) => parseEnd(text, ['node1', 'node2'], ['mongo'])

  test.each([
    ['node1:/etc/hosts', { kind: 'node', name: 'node1', path: '/etc/hosts' }],
    ['node1:notes', { kind: 'node', name: 'node1', path: 'notes' }],
    ['node1:', { kind: 'node', name: 'node1', path: '.' }],
    ['node1:/a:b', { kind: 'node', name: 'node1', path: '/a:b' }],
    ['mongo:/data/db', { kind: 'service', name: 'mongo', path: '/data/db' }],
    ['mongo:etc', { kind: 'service', name: 'mongo', path: '/etc' }],
    ['notes.txt', { kind: 'local', path: 'notes.txt' }],
    ['./odd:name', { kind: 'local', path: './odd:name' }],
    ['/srv/a:b', { kind: 'local', path: '/srv/a:b' }],
  ])('%s', (text, expected) => {
    expect(parse(text)).toMatchObject(expected)
  })

  test('an unknown name suggests the near one', () => {
    expect(() => parse('nod1:/etc')).toThrow(expect.objectContaining({ exitCode: 64, hint: 'did you mean "node1"?' }))
    expect(() => parse('mongi:/etc')).toThrow(expect.objectContaining({ hint: 'did you mean "mongo"?' }))
    expect(() => parse('')).toThrow(/empty/)
  })
})

describe('where a copy lands', () => {
  const land = (from: [string, PathKind], to: [string, PathKind], parent: PathKind = 'directory') =>
    landing({ path: from[0], kind: from[1], shown: from[0] }, { path: to[0], kind: to[1], shown: to[0] }, parent)

  test.each<[[string, PathKind], [string, PathKind], string, string | undefined]>([
    [['/etc/hosts', 'file'], ['/tmp', 'directory'], '/tmp', 'hosts'],
    [['/etc/hosts', 'file'], ['/tmp/new', 'missing'], '/tmp', 'new'],
    [['/etc/hosts', 'file'], ['/tmp/old', 'file'], '/tmp', 'old'],
    [['/var/log', 'directory'], ['.', 'directory'], '.', 'log'],
    [['/var/log/', 'directory'], ['logs', 'missing'], '.', 'logs'],
    [['/var/log', 'directory'], ['/tmp/logs/', 'missing'], '/tmp', 'logs'],
    [['/var/log/.', 'directory'], ['logs', 'directory'], 'logs', ''],
    [['/var/log/.', 'directory'], ['logs', 'missing'], '.', 'logs'],
    [['.', 'directory'], ['/srv', 'directory'], '/srv', ''],
    [['..', 'directory'], ['/srv', 'directory'], '/srv', undefined],
  ])('%j to %j', (from, to, directory, name) => {
    expect(land(from, to)).toEqual({ directory, name })
  })

  test('what cp would refuse is refused', () => {
    expect(() => land(['/nothing', 'missing'], ['/tmp', 'directory'])).toThrow(/nothing to copy/)
    expect(() => land(['/etc', 'directory'], ['/tmp/x', 'file'])).toThrow(/place of a file/)
    expect(() => land(['/etc/hosts', 'file'], ['/tmp/x/', 'missing'])).toThrow(/no such directory/)
    expect(() => land(['/etc/hosts', 'file'], ['/no/x', 'missing'], 'missing')).toThrow(/no such directory/)
  })
})

test('names that lead out of an archive are refused', () => {
  const header = { name: 'top/../../etc/passwd', type: 'file', linkname: '' } as Header
  expect(() => renamedHeader(header, 'x')).toThrow(/outside of itself/)
})

describe('the way through tar', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lab-copy-'))
    await mkdir(join(directory, 'tree', 'deep', 'deeper'.repeat(30)), { recursive: true })
    await mkdir(join(directory, 'target'))
    await writeFile(join(directory, 'tree', 'a.sh'), 'echo a\n', { mode: 0o755 })
    await writeFile(join(directory, 'tree', 'deep', 'grün'), Buffer.alloc(3_000_000, 7))
    await writeFile(join(directory, 'tree', 'deep', 'deeper'.repeat(30), 'end'), '')
    await symlink('deep/grün', join(directory, 'tree', 'link'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  async function copy(path: string, to: string, name: string | undefined): Promise<{ files: number; bytes: number }> {
    const copied = { files: 0, bytes: 0 }
    const end = localEnd(directory)
    await transfer({ end, path }, { end, directory: to, name }, copied, new AbortController().signal)
    return copied
  }

  test('a directory arrives whole, under its new name, with modes and links', async () => {
    expect(await copy('tree', 'target', 'new')).toEqual({ files: 4, bytes: 3_000_007 })
    const at = (...parts: readonly string[]) => join(directory, 'target', 'new', ...parts)
    expect((await stat(at('a.sh'))).mode & 0o777).toBe(0o755)
    expect((await readFile(at('deep', 'grün'))).equals(Buffer.alloc(3_000_000, 7))).toBe(true)
    expect(await readlink(at('link'))).toBe('deep/grün')
    expect((await stat(at('deep', 'deeper'.repeat(30), 'end'))).size).toBe(0)
  })

  test('what is in a directory arrives without it', async () => {
    await copy('tree/.', 'target', '')
    expect(await readFile(join(directory, 'target', 'a.sh'), 'utf8')).toBe('echo a\n')
  })

  test('a file takes the place of a file, and a link is followed', async () => {
    await writeFile(join(directory, 'target', 'x'), 'old')
    expect(await copy('tree/link', 'target', 'x')).toEqual({ files: 1, bytes: 3_000_000 })
    expect((await stat(join(directory, 'target', 'x'))).size).toBe(3_000_000)
  })

  test('an end that fails says why, and the other does not wait for ever', async () => {
    await expect(copy('tree', 'target/nothing', 'x')).rejects.toThrow(/target\/nothing: Cannot open/)
    await writeFile(join(directory, 'target', 'x'), 'a file')
    await expect(copy('tree', 'target/x', 'y')).rejects.toThrow(/Not a directory|Cannot open/)
  })

  // How far it comes in so short a time differs: no moment may leave an end waiting.
  test.each([undefined, 0, 1, 2, 3, 5, 8, 13])('stopping it after %s ms stops both ends', async (afterMs) => {
    const end = localEnd(directory)
    await writeFile(join(directory, 'tree', 'more'), Buffer.alloc(30_000_000, 7))
    const stop = new AbortController()
    if (afterMs === undefined) stop.abort(new Error('enough'))
    else setTimeout(() => stop.abort(new Error('enough')), afterMs)
    const copied = { files: 0, bytes: 0 }
    const copying = transfer({ end, path: 'tree' }, { end, directory: 'target', name: 'x' }, copied, stop.signal)
    await expect(copying).rejects.toThrow('enough')
  })
})
