import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { blockState } from '../../src/facts/block-state.ts'

// The shell of this machine answers as a node's would.
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'block-'))
})
afterAll(() => rm(directory, { recursive: true }))

async function look(text: string) {
  await writeFile(join(directory, 'file'), text)
  return ask('file')
}

function ask(name: string) {
  const query = blockState(join(directory, name), '# BEGIN x', '# END x')
  const { status, stdout, stderr } = spawnSync('sh', { input: query.script, encoding: 'utf8' })
  return query.parse({ status: status ?? 1, stdout, stderr })
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex')

test.each([
  ['a\n# BEGIN x\nb\nc\n# END x\nd', 'b\nc\n'],
  ['# BEGIN x\n# END x\n', ''],
  ['# BEGIN xx\n# BEGIN x\n# BEGIN y\n# END x\n# END y\n', '# BEGIN y\n'],
])('%j holds a block of which the digest is told', async (text, inside) => {
  expect(await look(text)).toEqual({ state: 'present', digest: digest(inside) })
})

test('none, and no file, are told apart', async () => {
  expect(await look('')).toEqual({ state: 'absent' })
  expect(await look('# BEGIN y\n# END y\n')).toEqual({ state: 'absent' })
  expect(ask('nothing')).toEqual({ state: 'no file' })
})

test.each([
  ['# BEGIN x\na\n', [1]],
  ['# END x\na\n# BEGIN x\n', [1, 3]],
  ['# BEGIN x\n# END x\n# BEGIN x\n# END x\n', [1, 2, 3, 4]],
])('marks that do not make one block are told by their lines: %j', async (text, lines) => {
  expect(await look(text)).toEqual({ state: 'damaged', lines })
})
