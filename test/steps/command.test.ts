import { expect, test } from 'vitest'
import { command } from '../../src/steps/command.ts'
import { consider, path } from './step-case.ts'

test('runs where its test fails, and not where it passes', async () => {
  const wanted = command({ title: 'make it', run: ['make', 'it'], unless: ['test', '-e', "/it's"] })
  const [query] = wanted.queries
  expect(query?.script).toBe(`test -e '/it'\\''s'`)
  const fact = (status: number) => query?.parse({ status, stdout: '', stderr: '' })
  const key = query?.key ?? ''
  expect((await consider(wanted, { [key]: fact(0) })).changes).toEqual([])
  const { changes, commands } = await consider(wanted, { [key]: fact(1) })
  expect(changes).toEqual([{ path: 'test', from: 'fails', to: 'passes' }])
  expect(commands).toEqual([{ argv: ['make', 'it'] }])
})

test('two steps with one test ask it once', () => {
  const key = (unless: string) => command({ title: 'x', run: 'true', unless }).queries[0]?.key
  expect(key('test -e /a')).toBe(key('test -e /a'))
  expect(key('test -e /a')).not.toBe(key('test -e /b'))
})

test('runs until the path it makes is there', async () => {
  const wanted = command({ title: 'make it', run: 'touch /it', creates: '/it', unit: 'lab-make' })
  expect((await consider(wanted, { 'path:/it': path({ type: 'directory' }) })).changes).toEqual([])
  const { commands } = await consider(wanted, { 'path:/it': path() })
  expect(commands).toEqual([{ argv: ['sh', '-euc', 'touch /it'], unit: 'lab-make' }])
})

test('always is a change every time', async () => {
  const wanted = command({ title: 'ping', run: ['true'], always: true })
  expect(wanted).toMatchObject({ always: true, queries: [] })
  expect((await consider(wanted, {})).changes).toHaveLength(1)
})

test('a command that runs nothing is refused', () => {
  expect(() => command({ title: 'nothing', run: [], always: true })).toThrow('runs nothing')
})
