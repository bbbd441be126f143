import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { unit } from '../../src/steps/unit.ts'
import { consider, path, unit as unitState } from './step-case.ts'

const TEXT = '[Service]\nExecStart=/usr/bin/true\n'
const FILE = '/etc/systemd/system/app.service'
const digest = createHash('sha256').update(TEXT).digest('hex')
const there = path({ type: 'file', mode: 0o644, digest })
const facts = (at = there, needsReload = false) => ({
  [`path:${FILE}`]: at,
  'unit:app.service': unitState({ needsReload }),
})
const wanted = unit({ name: 'app', content: TEXT })

test('a unit file that systemd has read is nothing to do; another is written and read', async () => {
  expect((await consider(wanted, facts())).changes).toEqual([])
  const { changes, commands } = await consider(wanted, facts(path()))
  expect(changes).toEqual([{ path: 'content', from: undefined, to: `sha256:${digest.slice(0, 12)}` }])
  expect(commands).toMatchObject([{ stdin: TEXT }])
  expect(commands[0]?.argv.at(-1)).toBe(FILE)
})

test('one that systemd has not read is only read, and maybe by an earlier step', async () => {
  const { changes, commands } = await consider(wanted, facts(there, true))
  expect(changes.map((change) => change.path)).toEqual(['systemd'])
  expect(commands).toEqual([{ argv: ['systemctl', 'daemon-reload'] }])
  const later = consider(wanted, facts(there, true), ['/etc/systemd/system/other.service'])
  await expect(later).rejects.toThrow('an earlier step')
})

test('templates have no state of their own, and drop-ins a place of theirs', () => {
  expect(unit({ name: 'app@', content: TEXT }).queries.map(({ key }) => key)).toEqual([
    'path:/etc/systemd/system/app@.service',
  ])
  expect(unit({ name: 'app', dropIn: 'nice', content: TEXT }).files).toEqual([`${FILE}.d/nice.conf`])
})

test('one that must be absent is stopped; of a drop-in only the file goes', async () => {
  const absent = await consider(unit({ name: 'app', absent: true }), facts())
  expect(absent.commands[0]?.argv.slice(-2)).toEqual([FILE, 'app.service'])
  expect((await consider(unit({ name: 'app', absent: true }), facts(path()))).changes).toEqual([])
  const dropIn = unit({ name: 'app', dropIn: 'nice', absent: true })
  const state = { [`path:${FILE}.d/nice.conf`]: there, 'unit:app.service': unitState() }
  expect((await consider(dropIn, state)).commands[0]?.argv.at(-1)).toBe('')
})

test('what is no unit is refused', () => {
  expect(() => unit({ name: '../app', content: TEXT })).toThrow('not the name of a systemd unit')
  expect(() => unit({ name: 'app', content: 'ExecStart=x' })).toThrow('has sections')
  expect(() => unit({ name: 'app', dropIn: '/x', content: TEXT })).toThrow('not the name of a drop-in')
})
