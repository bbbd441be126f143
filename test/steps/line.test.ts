import { expect, test } from 'vitest'
import { line } from '../../src/steps/line.ts'
import type { Step } from '../../src/model/step.ts'
import { consider } from './step-case.ts'

const FILE = '/etc/x.conf'
const look = (step: Step, numbers: Readonly<Record<string, readonly number[]>> | undefined, pending?: string[]) =>
  consider(step, { [step.queries[0]?.key ?? '']: numbers && new Map(Object.entries(numbers)) }, pending)

test('a line that is there is nothing to do, one that is not goes to the end, on standard input', async () => {
  const wanted = line({ path: FILE, line: 'a = 1' })
  expect((await look(wanted, { same: [3, 9] })).changes).toEqual([])
  const { changes, commands } = await look(wanted, { same: [] })
  expect(changes).toEqual([{ path: 'line', from: undefined, to: 'a = 1' }])
  expect(commands[0]).toMatchObject({ stdin: 'a = 1' })
  expect(commands[0]?.argv.slice(-5)).toEqual([FILE, 'present', '', '', ''])
})

test('lines in its place are named by their numbers and make way for it; it is there once', async () => {
  const wanted = line({ path: FILE, line: 'a = 1', matching: '^a' })
  expect((await look(wanted, { same: [4], matching: [4] })).changes).toEqual([])
  expect((await look(wanted, { same: [4], matching: [2, 4, 5] })).changes).toEqual([
    { path: 'line', from: 'line 2, 5', to: 'a = 1' },
  ])
  expect((await look(wanted, { same: [4, 6], matching: [] })).changes).toMatchObject([{ to: 'there once' }])
})

test('an anchor matters only to a line that is not there yet; without a line to hold on to it is an error', async () => {
  const wanted = line({ path: FILE, line: 'a', before: '^b' })
  expect((await look(wanted, { same: [1], anchor: [] })).changes).toEqual([])
  expect((await look(wanted, { same: [], anchor: [7] })).commands[0]?.argv.slice(-2)).toEqual(['before', '^b'])
  await expect(look(wanted, { same: [], anchor: [] })).rejects.toThrow('no line of /etc/x.conf matches ^b')
})

test('lines that must be absent are removed wherever they are', async () => {
  const wanted = line({ path: FILE, matching: '^#', absent: true })
  expect((await look(wanted, { matching: [] })).changes).toEqual([])
  expect((await look(wanted, undefined)).changes).toEqual([])
  expect((await look(wanted, { matching: [1, 2, 3, 4, 5, 6] })).changes).toEqual([
    { path: 'line', from: 'line 1, 2, 3, 4, 5 and 1 more', to: undefined },
  ])
})

test('a file that is missing, or that an earlier step is about to write, cannot be told about', async () => {
  const wanted = line({ path: FILE, line: 'a' })
  await expect(look(wanted, undefined)).rejects.toThrow('write it with file()')
  await expect(look(wanted, { same: [1] }, [FILE])).rejects.toThrow('is about to change')
})

test('a secret line is shown nowhere', async () => {
  const wanted = line({ path: FILE, line: 'password = hunter2', secret: true })
  expect(wanted.title).not.toContain('hunter2')
  const { changes, commands } = await look(wanted, { same: [] })
  expect(JSON.stringify([changes, commands[0]?.argv])).not.toContain('hunter2')
  expect(commands[0]?.secrets).toEqual(['password = hunter2'])
})

test('what is no line, and what says nothing, is refused', () => {
  expect(() => line({ path: FILE, line: 'a\nb' })).toThrow('without an end of line')
  expect(() => line({ path: FILE, line: '' })).toThrow('some text')
  expect(() => line({ path: FILE, absent: true })).toThrow('which line must be absent')
  expect(() => line({ path: FILE, line: 'a', after: 'x', before: 'y' })).toThrow('either after or before')
})
