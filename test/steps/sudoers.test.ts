import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { sudoers } from '../../src/steps/sudoers.ts'
import { consider, path } from './step-case.ts'

const RULE = 'ada ALL=(root) NOPASSWD: /usr/bin/id'
const digest = createHash('sha256').update(`${RULE}\n`).digest('hex')
const facts = (state: Parameters<typeof path>[0]) => ({ 'path:/etc/sudoers.d/ada': path(state) })
const wanted = sudoers({ name: 'ada', rules: [RULE] })

test('the same rules are nothing to do, others and other modes are mended through a draft', async () => {
  expect((await consider(wanted, facts({ type: 'file', mode: 0o440, digest }))).changes).toEqual([])
  const { changes, commands } = await consider(wanted, facts({ type: 'file', mode: 0o440, digest: 'other' }))
  expect(changes).toEqual([{ path: 'rules', from: 'others', to: RULE }])
  expect(commands).toMatchObject([{ stdin: `${RULE}\n` }])
  const mode = await consider(wanted, facts({ type: 'file', mode: 0o644, digest }))
  expect(mode.changes).toEqual([{ path: 'mode', from: '0644', to: '0440' }])
})

test('rules that must be absent are removed; names that sudo passes over are refused', async () => {
  const absent = sudoers({ name: 'ada', absent: true })
  expect((await consider(absent, facts({}))).changes).toEqual([])
  expect((await consider(absent, facts({ type: 'file' }))).commands[0]?.argv[0]).toBe('rm')
  expect(() => sudoers({ name: 'ada.conf', rules: [RULE] })).toThrow('sudo passes over others')
  expect(() => sudoers({ name: 'ada', rules: ['a\nb'] })).toThrow('one line')
  expect(() => sudoers({ name: 'ada', rules: [] })).toThrow('absent: true')
})
