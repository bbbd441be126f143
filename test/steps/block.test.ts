import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { BlockState } from '../../src/facts/block-state.ts'
import { block } from '../../src/steps/block.ts'
import type { Step } from '../../src/model/step.ts'
import { consider } from './step-case.ts'

const FILE = '/etc/x.conf'
const digest = (text: string) => createHash('sha256').update(text).digest('hex')
const there = (text: string): BlockState => ({ state: 'present', digest: digest(text) })
const look = (step: Step, state: BlockState, anchor?: readonly number[], pending?: string[]) =>
  consider(
    step,
    {
      [step.queries[0]?.key ?? '']: state,
      [step.queries[1]?.key ?? '']: new Map(anchor === undefined ? [] : [['anchor', anchor]]),
    },
    pending,
  )
const wanted = block({ path: FILE, name: 'lab', content: 'a\nb' })

test('the same lines are nothing to do, others are replaced, on standard input with their marks', async () => {
  expect((await look(wanted, there('a\nb\n'))).changes).toEqual([])
  const { changes, commands } = await look(wanted, there('c\n'))
  const show = (text: string) => `sha256:${digest(text).slice(0, 12)}`
  expect(changes).toEqual([{ path: 'lab', from: show('c\n'), to: show('a\nb\n') }])
  expect(commands).toMatchObject([{ stdin: '# BEGIN lab\na\nb\n# END lab\n' }])
})

test('a block that is not there is put where it belongs', async () => {
  expect((await look(wanted, { state: 'absent' })).changes).toMatchObject([{ from: undefined }])
  const anchored = block({ path: FILE, name: 'lab', content: '', after: '^b' })
  expect((await look(anchored, { state: 'absent' }, [2])).commands[0]?.argv.slice(-3)).toEqual([
    'present',
    'after',
    '^b',
  ])
  await expect(look(anchored, { state: 'absent' }, [])).rejects.toThrow('no line of /etc/x.conf matches ^b')
})

test('one that must be absent is removed; no file has none', async () => {
  const gone = block({ path: FILE, name: 'lab', absent: true })
  expect((await look(gone, { state: 'absent' })).changes).toEqual([])
  expect((await look(gone, { state: 'no file' })).changes).toEqual([])
  expect((await look(gone, there('x'))).changes).toEqual([{ path: 'lab', from: 'present', to: undefined }])
})

test('damaged marks, a missing file and one that is about to be written cannot be told about', async () => {
  await expect(look(wanted, { state: 'damaged', lines: [1, 9] })).rejects.toThrow('(lines 1, 9) do not make one block')
  await expect(look(wanted, { state: 'no file' })).rejects.toThrow('write it with file()')
  await expect(look(wanted, there('a\nb\n'), [], [FILE])).rejects.toThrow('is about to change')
})

test('a secret shows neither its lines nor their digest', async () => {
  const secret = block({ path: FILE, name: 'lab', content: 'hunter2', secret: true })
  const { changes, commands } = await look(secret, there('c\n'))
  expect(changes).toEqual([{ path: 'lab', from: '***', to: '***' }])
  expect(commands[0]?.secrets).toEqual(['hunter2'])
  expect(commands[0]?.argv.join()).not.toContain('hunter2')
})

test('comments may have an end; content with its own marks, and names of two lines, are refused', async () => {
  const xml = block({ path: FILE, name: 'lab', content: 'x', comment: ['<!--', '-->'] })
  expect((await look(xml, { state: 'absent' })).commands[0]?.stdin).toBe('<!-- BEGIN lab -->\nx\n<!-- END lab -->\n')
  expect(() => block({ path: FILE, name: 'lab', content: '# END lab\n' })).toThrow('its own marks')
  expect(() => block({ path: FILE, name: 'a\nb', content: '' })).toThrow('one line')
})
