import { appendFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { followLogs, inOrder, rememberLast } from '../../src/logs/follow.ts'
import type { LogQuery } from '../../src/logs/history.ts'
import { parseRecord } from '../../src/logs/record.ts'
import { line, localFiles, removeLocalFiles, type LocalFiles } from './local-files.ts'

let files: LocalFiles
let seen: string[]
let stop: AbortController
let following: Promise<void>

afterAll(removeLocalFiles)
beforeEach(async () => {
  files = await localFiles()
  seen = []
  stop = new AbortController()
})
afterEach(async () => {
  stop.abort()
  await expect(following).rejects.toThrow(/abort/i)
  await rm(files.directory, { recursive: true })
})

function follow(query: Partial<LogQuery> = {}): void {
  const all = { service: undefined, node: undefined, since: undefined, lines: undefined }
  following = followLogs(files, { ...all, ...query }, (record) => void seen.push(record.line), stop.signal)
  following.catch(() => undefined)
}

const until = (expected: readonly string[]) =>
  expect.poll(() => seen, { timeout: 4000, interval: 20 }).toEqual(expected)

test('what is there comes first, then what is added', async () => {
  await files.append('web', line(1, 'a'), line(2, 'b'))
  follow({ lines: 1 })
  await until(['b'])
  await files.append('web', line(3, 'c'))
  await until(['b', 'c'])
})

test('a line is handed over when it is complete, and once', async () => {
  await files.append('web', line(1, 'a'))
  const text = line(2, 'b')
  await appendFile(join(files.directory, 'web.log'), text.slice(0, 40))
  follow()
  await until(['a'])
  await appendFile(join(files.directory, 'web.log'), `${text.slice(40)}\n${text}\n${line(3, 'c')}\n`)
  await until(['a', 'b', 'c'])
})

test('files that are put aside are read to their end, however often that happens between two looks', async () => {
  await files.append('web', line(1, '1'))
  follow()
  await until(['1'])
  await files.append('web', line(2, '2'))
  await files.rotate('web')
  await files.append('web', line(3, '3'))
  await files.rotate('web')
  await files.append('web', line(4, '4'))
  await until(['1', '2', '3', '4'])
})

test('services that begin to write are noticed, others than the wanted one are not', async () => {
  follow()
  await files.append('db', line(1, 'a', { service: 'db' }))
  await until(['a'])
})

test('one service and one node can be followed', async () => {
  follow({ service: 'web', node: 'node2' })
  await files.append('db', line(1, 'a', { node: 'node2' }))
  await files.append('web', line(2, 'b'), line(3, 'c', { node: 'node2' }))
  await until(['c'])
})

test('thousands of lines while files are put aside: none is missing, none is there twice', async () => {
  follow()
  const expected: string[] = []
  for (let round = 0; round < 20; round++) {
    const numbers = Array.from({ length: 500 }, (_, index) => round * 500 + index)
    expected.push(...numbers.map(String))
    await files.append('web', ...numbers.map((number) => line(number / 1000, String(number))))
    if (round % 7 === 6) {
      const count = expected.length
      await expect.poll(() => seen.length, { timeout: 4000 }).toBeGreaterThan(count - 1000)
      await files.rotate('web')
    }
  }
  await until(expected)
})

test('lines wait a look for older ones from elsewhere, and no longer', () => {
  const at = (seconds: number) => {
    const text = line(seconds, String(seconds))
    const record = parseRecord(text)
    if (record === undefined) throw new Error('no record')
    return { record, text }
  }
  const shown = (lines: readonly { readonly record: { readonly line: string } }[]) =>
    lines.map(({ record }) => record.line)

  const first = inOrder([], [at(2), at(1)])
  expect([shown(first.ready), shown(first.later)]).toEqual([[], ['1', '2']])
  const second = inOrder(first.later, [at(1.5), at(3)])
  expect([shown(second.ready), shown(second.later)]).toEqual([['1', '1.5', '2'], ['3']])
  const third = inOrder(second.later, [])
  expect([shown(third.ready), shown(third.later)]).toEqual([['3'], []])
})

test('only so many lines are remembered', () => {
  const seenBefore = rememberLast(2)
  expect(['a', 'a', 'b', 'c', 'a'].map((text) => seenBefore.isNew(text))).toEqual([true, false, true, true, true])
})
