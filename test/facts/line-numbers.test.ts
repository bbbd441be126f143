import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { lineNumbers, type LinePattern } from '../../src/facts/line-numbers.ts'

// The shell of this machine answers as a node's would.
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lines-'))
  await writeFile(join(directory, "it's"), "a\nb c\n  b c\na\n--\n\\n $x 'q'\nlast without an end")
})
afterAll(() => rm(directory, { recursive: true }))

function look(patterns: Readonly<Record<string, LinePattern | undefined>>, name = "it's") {
  const query = lineNumbers(join(directory, name), patterns)
  const { status, stdout, stderr } = spawnSync('sh', { input: query.script, encoding: 'utf8' })
  return query.parse({ status: status ?? 1, stdout, stderr })
}

test('tells where lines are that are equal or match, and nothing of what they hold', () => {
  const found = look({
    a: { equal: 'a' },
    b: { matching: '^ *b' },
    odd: { equal: "\\n $x 'q'" },
    dashes: { equal: '--' },
    last: { equal: 'last without an end' },
    none: { equal: 'b' },
    left: undefined,
  })
  expect(Object.fromEntries(found ?? [])).toEqual({ a: [1, 4], b: [2, 3], odd: [6], dashes: [5], last: [7], none: [] })
})

test('a file that is not there is told apart from one without such lines', () => {
  expect(look({ a: { equal: 'a' } }, 'nothing')).toBeUndefined()
})

test('an expression that is none is an error with the words of grep', () => {
  expect(() => look({ a: { matching: '(' } })).toThrow('grep')
})

test('a key says nothing of what is looked for', () => {
  expect(lineNumbers('/etc/x', { a: { equal: 'hunter2' } }).key).toMatch(/^lines:\/etc\/x:[0-9a-f]{16}$/)
})
