import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { entries } from '../../src/facts/entries.ts'
import { strangers, type TreeAccess } from '../../src/facts/tree.ts'
import type { FactQuery } from '../../src/model/step.ts'

// The shell of this machine answers as a node's would.
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tree-'))
  await mkdir(join(directory, "it's $a", 'b'), { recursive: true })
  for (const name of ['one', 'two', 'three', 'four']) {
    await writeFile(join(directory, name), '')
    await chmod(join(directory, name), 0o600)
  }
  await symlink('/nowhere', join(directory, 'link'))
})
afterAll(() => rm(directory, { recursive: true }))

function ask<T>(query: FactQuery<T>): T {
  const { status, stdout, stderr } = spawnSync('sh', { input: query.script, encoding: 'utf8' })
  return query.parse({ status: status ?? 1, stdout, stderr })
}
const look = (access: TreeAccess) => ask(strangers(directory, access))

test('what is otherwise is counted, and the first few are named', () => {
  const { username, uid } = userInfo()
  expect(Object.fromEntries(look({ owner: username, fileMode: 0o600 }))).toEqual({
    owner: { count: 0, first: [] },
    'mode of files': { count: 0, first: [] },
  })
  const files = look({ fileMode: 0o640 }).get('mode of files')
  expect(files?.count).toBe(4)
  expect(files?.first).toHaveLength(3)
  expect(look({ directoryMode: 0o700 }).get('mode of directories')?.count).toBe(2)
  expect(look({ owner: String(uid + 1) }).get('owner')?.count).toBe(7)
})

test('an owner that is not there cannot be told about; no directory holds nothing', () => {
  expect(() => look({ owner: 'nobody-at-all' })).toThrow('nobody-at-all')
  expect(ask(strangers('/no/such', { owner: 'root' })).get('owner')).toEqual({ count: 0, first: [] })
  expect(ask(entries('/no/such'))).toEqual([])
})

test('everything in a directory is told, a directory before what is in it', () => {
  expect(ask(entries(directory))).toEqual(["it's $a", "it's $a/b", 'link', 'one', 'two', 'three', 'four'].sort())
  const query = entries('/x')
  expect(() => query.parse({ status: 0, stdout: 'a\ufffd\0', stderr: '' })).toThrow('not UTF-8')
})
