import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { loggedServices, readHistory, type LogQuery } from '../../src/logs/history.ts'
import { line, localFiles, removeLocalFiles, type LocalFiles } from './local-files.ts'

const ALL: LogQuery = { service: undefined, node: undefined, since: undefined, lines: undefined }
const NOON = Date.UTC(2026, 10, 21, 12)
const signal = () => new AbortController().signal

let files: LocalFiles
afterAll(removeLocalFiles)
beforeEach(async () => {
  files = await localFiles()
})

async function read(query: Partial<LogQuery> = {}): Promise<readonly string[]> {
  const texts: string[] = []
  await readHistory(files, { ...ALL, ...query }, (record) => void texts.push(record.line), signal())
  return texts
}

test('lines of all services come in time order, whichever arrived first', async () => {
  await files.append('web', line(1, 'a'), line(4, 'd'), line(2, 'b'))
  await files.append('db', line(3, 'c', { service: 'db' }), line(5, 'e', { service: 'db' }))
  expect(await read()).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(await read({ service: 'db' })).toEqual(['c', 'e'])
})

test('lines of one moment stay in the order they were written in', async () => {
  await files.append('web', ...['c', 'a', 'b'].map((text) => line(1, text)))
  expect(await read()).toEqual(['c', 'a', 'b'])
})

test('lines that were put aside are read too, and one that is there twice is shown once', async () => {
  await files.append('web', line(1, 'a'))
  await files.rotate('web')
  await files.append('web', line(2, 'b'), line(3, 'c'))
  await files.rotate('web')
  await files.append('web', line(3, 'c'), line(4, 'd'))
  expect(await read()).toEqual(['a', 'b', 'c', 'd'])
})

test('the last lines are those with the latest times, over all parts and services', async () => {
  await files.append('web', line(1, 'a'), line(2, 'b'))
  await files.rotate('web')
  await files.append('web', line(3, 'c'))
  await files.append('db', line(4, 'd'))
  expect(await read({ lines: 3 })).toEqual(['b', 'c', 'd'])
})

test('lines from a moment on are found in every part that may hold them', async () => {
  await files.append('web', line(-100, 'long ago'))
  await files.rotate('web')
  await utimes(join(files.directory, 'web.log.1'), NOON / 1000 - 100, NOON / 1000 - 100)
  await files.rotate('web')
  await files.append('web', line(1, 'a'), line(2, 'b'))
  await files.rotate('web')
  await files.append('web', line(0.5, 'late'), line(3, 'c'))
  expect(await read({ since: new Date(NOON) })).toEqual(['late', 'a', 'b', 'c'])
  expect(await read({ since: new Date(NOON + 1500) })).toEqual(['b', 'c'])
  expect(await read({ since: new Date(NOON + 1500), lines: 1 })).toEqual(['c'])
})

test('lines of one node are told by their field, not by what they say', async () => {
  await files.append('web', line(1, 'from "node":"node2"'), line(2, 'b', { node: 'node2' }), line(3, 'c'))
  expect(await read({ node: 'node2' })).toEqual(['b'])
  expect(await read({ node: 'node1', lines: 1 })).toEqual(['c'])
})

test('a line that is only half written is left out', async () => {
  await files.append('web', line(1, 'a'), '{"time":"2026-11-21T12:00:02.000000+00:00","no')
  expect(await read()).toEqual(['a'])
})

test('control characters arrive as they were written', async () => {
  await files.append('web', line(1, 'red \u001b[31m and a\nbreak'))
  expect(await read()).toEqual(['red \u001b[31m and a\nbreak'])
})

test('reading waits for whoever takes the lines', async () => {
  await files.append('web', line(1, 'a'), line(2, 'b'))
  const seen: string[] = []
  let busy = false
  await readHistory(
    files,
    ALL,
    async (record) => {
      expect(busy).toBe(false)
      busy = true
      await new Promise((resolve) => setImmediate(resolve))
      busy = false
      seen.push(record.line)
    },
    signal(),
  )
  expect(seen).toEqual(['a', 'b'])
})

test('no lines, or no directory, are told apart', async () => {
  expect(await read()).toEqual([])
  expect(await read({ service: 'web' })).toEqual([])
  const missing = { ...files, directory: join(files.directory, 'nothing') }
  await expect(readHistory(missing, ALL, () => undefined, signal())).rejects.toThrow(/log files cannot be read/)
})

test('services with lines are listed, without what is put aside and what is no service', async () => {
  await files.append('web', line(1, 'a'))
  await files.rotate('web')
  await files.append('db', line(1, 'a'))
  await files.append('_other', line(1, 'a'))
  expect(await loggedServices(files, signal())).toEqual(['db', 'web'])
})
