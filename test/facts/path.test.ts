import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fingerprint, FINGERPRINTS } from '../../src/facts/fingerprint.ts'
import { pathState, type PathState } from '../../src/facts/path.ts'
import { quoteAll } from '../../src/shell/quote.ts'

// The shell of this machine answers as a node's would.
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'paths-'))
  await writeFile(join(directory, "it's a $file"), 'content')
  await utimes(join(directory, "it's a $file"), 5, 1_700_000_000.25)
  await mkdir(join(directory, 'directory'))
  await chmod(join(directory, 'directory'), 0o2750)
  await symlink('directory', join(directory, 'link'))
  await symlink('nowhere', join(directory, 'dangling'))
  execFileSync('mkfifo', [join(directory, 'pipe')])
})
afterAll(() => rm(directory, { recursive: true }))

const NAMES = ["it's a $file", 'nothing', 'directory', 'link', 'dangling', 'pipe']

/** Asks for all of them at once, as the executor does. */
function look(): ReadonlyMap<string, PathState> {
  const paths = NAMES.map((name) => join(directory, name))
  const family = pathState(paths[0] ?? '').batch?.family
  if (family === undefined) throw new Error('paths are asked for together')
  const stdout = execFileSync('sh', { input: family.script(paths), encoding: 'utf8' })
  const states = family.parse({ status: 0, stdout, stderr: '' }, paths)
  return new Map(NAMES.map((name) => [name, states.get(join(directory, name)) ?? missing(name)]))
}

function missing(name: string): never {
  throw new Error(`no answer about ${name}`)
}

test('tells type, mode, time, digest and target of each path, whatever it is called', () => {
  const states = look()
  const digest = createHash('sha256').update('content').digest('hex')
  expect(states.get("it's a $file")).toMatchObject({ type: 'file', digest, modifiedUs: 1_700_000_000_250_000 })
  expect(states.get('nothing')).toMatchObject({ type: 'absent', modifiedUs: 0, digest: undefined })
  expect(states.get('directory')).toMatchObject({ type: 'directory', mode: 0o2750, digest: undefined })
  expect(states.get('link')).toMatchObject({ type: 'symlink', target: 'directory', digest: undefined })
  expect(states.get('dangling')).toMatchObject({ type: 'symlink', target: 'nowhere' })
  expect(states.get('pipe')).toMatchObject({ type: 'other', digest: undefined })
})

test('the shell of a node and lab make the same fingerprint of a path', () => {
  const paths = NAMES.map((name) => join(directory, name))
  const stdout = execFileSync('sh', { input: `${FINGERPRINTS}\nfingerprints ${quoteAll(paths)}`, encoding: 'utf8' })
  const expected = [...look()].map(([name, state]) => `${fingerprint(state)} ${join(directory, name)}`)
  expect(stdout.trim().split('\n')).toEqual(expected)
})

test('an answer that is an error is not taken for an empty one', () => {
  expect(() => pathState('/x').parse({ status: 127, stdout: '', stderr: 'stat: not found' })).toThrow('stat: not found')
})
