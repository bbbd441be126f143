import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { output, result } from '../../src/facts/result.ts'
import { attempt, changed, given } from '../../src/model/flow.ts'
import type { NodeSpec } from '../../src/model/lab-spec.ts'
import type { Play } from '../../src/model/step.ts'
import { command } from '../../src/steps/command.ts'
import { execs, home, note, on, read, run, write, useFlowNodes } from './flow-nodes.ts'

useFlowNodes()

describe('hosts of a play', () => {
  test.each([
    ['node1', ['node1']],
    ['web', ['node2', 'node3']],
    [
      ['manager', 'node3'],
      ['mgmt', 'node3'],
    ],
    ['all', ['mgmt', 'node1', 'node2', 'node3']],
    [(node: NodeSpec) => node.groups?.includes('web') === true, ['node2', 'node3']],
    ['logs', []],
  ])('%j are names, groups, roles, or a test', async (hosts, names) => {
    const { outcomes } = await run([on(hosts, write('a', '1'))], { mode: 'plan' })
    expect(outcomes).toEqual(names.map((name) => `${name}: a is 1: would-change`))
  })

  test('are all that is asked: another node may be down', async () => {
    const { summary } = await run([on('web', write('a', '1'))], { down: 'node1' })
    expect(summary).toMatchObject({ failed: 0, changed: 2, hosts: { node1: { ok: 0, failed: 0 } } })
    expect(execs).not.toContain('mgmt')
  })

  test('that leave nothing to do are told of', async () => {
    const { notices } = await run([on('web', write('a', '1'))], { limit: ['mgmt', 'node1'] })
    expect(notices).toEqual(['no step is for mgmt, node1'])
  })

  test('and of --limit are the same; a name that means nothing is bad input, and nothing is asked', async () => {
    expect((await run([on('all', write('a', '1'))], { limit: ['web'], mode: 'plan' })).outcomes).toHaveLength(2)
    execs.splice(0)
    for (const hosts of ['wep', ['node1', 'wep']])
      await expect(run([on(hosts, write('a', '1'))])).rejects.toMatchObject({
        exitCode: 64,
        message: 'unknown node or group "wep"',
        hint: 'did you mean "web"?',
      })
    await expect(run([on('all', command({ title: 'x', run: 'true', always: true }, { on: 'mgt' }))])).rejects.toThrow(
      'unknown node "mgt"',
    )
    expect(execs).toEqual([])
  })
})

describe('a step that is done when another changed', () => {
  const config = write('config', 'new')
  const tell = command({ title: 'tell', run: 'echo x >>"$NODE/told"', always: true }, { when: changed(config) })

  test('is maybe in a plan, runs in the run that changed it, and is skipped in the next', async () => {
    const plays = [on('node1', config, tell)]
    expect((await run(plays, { mode: 'plan' })).outcomes).toEqual([
      'node1: config is new: would-change',
      'node1: tell: maybe',
    ])
    expect((await run(plays)).summary).toMatchObject({ changed: 2, hosts: { node1: { skipped: 0 } } })
    for (const mode of ['plan', 'apply'] as const) {
      const { summary, outcomes } = await run(plays, { mode })
      expect(outcomes).toEqual(['node1: config is new: ok', 'node1: tell: skipped'])
      expect(summary).toMatchObject({ changed: 0, maybe: 0 })
    }
    expect(await read('node1/told')).toBe('x\n')
  })

  test('looks at its own node only', async () => {
    await run([on('node1', config)])
    await run([on(['node1', 'node2'], config, tell)])
    expect([await read('node1/told'), await read('node2/told')]).toEqual([undefined, 'x\n'])
  })
})

describe('a value that is known only now', () => {
  const made = write('id', '42')
  const id = result({ ask: 'cat "$NODE/id"', after: [made], parse: Number, title: 'the id' })
  const plays = [
    on(
      'node1',
      made,
      given({ id }, (values) => [write('copy', String(values.id + 1))]),
      write('last', '1'),
    ),
  ]

  test('makes steps; a plan says maybe while it is pending, and what is to be done once it is there', async () => {
    expect((await run(plays, { mode: 'plan' })).outcomes).toEqual([
      'node1: id is 42: would-change',
      'node1: what needs the id: maybe',
      'node1: last is 1: would-change',
    ])
    expect((await run(plays)).summary).toMatchObject({ changed: 3, failed: 0 })
    expect(await read('node1/copy')).toBe('43')
    await writeFile(join(home(), 'node1/copy'), 'drifted')
    expect((await run(plays, { mode: 'plan' })).outcomes).toEqual([
      'node1: id is 42: ok',
      'node1: copy is 43: would-change',
      'node1: last is 1: ok',
    ])
    expect((await run(plays)).summary).toMatchObject({ changed: 1 })
    expect((await run(plays)).summary).toMatchObject({ changed: 0, hosts: { node1: { ok: 3, skipped: 0 } } })
  })

  test('may come from another node, or from what a step printed', async () => {
    await run([on('mgmt', write('token', 'secret1'))])
    const token = result({ ask: 'cat "$NODE/token"', on: 'mgmt' })
    const print = command({ title: 'print', run: 'echo printed', always: true })
    const taken = given({ token, printed: output(print) }, (values) => [
      write('both', `${values.token}-${values.printed ?? ''}`),
    ])
    expect((await run([on('node1', print, taken)], { mode: 'plan' })).outcomes.at(-1)).toBe(
      'node1: what needs the answer to "cat "$NODE/token"", the output of "print": maybe',
    )
    await run([on('node1', print, taken)])
    expect(await read('node1/both')).toBe('secret1-printed')
  })

  test('that a node cannot tell is an error with the words of the node, and so is a function that throws', async () => {
    const none = result({ ask: 'echo nothing there >&2; false', title: 'the moon' })
    const asked = await run([
      on(
        'node1',
        given({ none }, () => []),
      ),
    ])
    expect(asked.summary.errors[0]?.message).toContain('the moon: it exited with 1: nothing there')
    expect(asked.summary.errors[0]?.where).toMatch(/flow\.test\.ts:\d+/)
    const throwing = given({ one: result({ ask: 'echo 1' }) }, () => {
      throw new Error('cannot make steps of 1')
    })
    expect((await run([on('node1', throwing)])).summary.errors[0]?.message).toContain('cannot make steps of 1')
  })
})

describe('an attempt', () => {
  const guarded = (text: string) =>
    attempt({
      title: 'try',
      steps: [write('a', '1'), write('b', text)],
      rescue: [note('rescued')],
      always: [note('always')],
    })

  test('that goes well runs its steps and what is always done', async () => {
    const { summary } = await run([on('node1', guarded('2'), write('after', '1'))])
    expect(summary).toMatchObject({ failed: 0, changed: 4 })
    expect([await read('node1/rescued'), await read('node1/always')]).toEqual([undefined, 'x\n'])
  })

  test('that fails is rescued, and the node goes on', async () => {
    const { summary, outcomes } = await run([on('node1', guarded('fail'), write('after', '1'))])
    expect(summary).toMatchObject({ failed: 0 })
    expect([await read('node1/rescued'), await read('node1/always'), await read('node1/after')]).toEqual([
      'x\n',
      'x\n',
      '1',
    ])
    expect(outcomes[1]).toMatch(/exited with 3.*failed$/)
  })

  test('whose rescue fails takes the node out, after what is always done', async () => {
    const doomed = attempt({
      title: 'try',
      steps: [write('b', 'fail')],
      rescue: [write('c', 'fail')],
      always: [note('always')],
    })
    const { summary } = await run([on(['node1', 'node2'], doomed, write('after', '1'))], { limit: ['node1'] })
    expect(summary.errors[0]?.message).toContain('"c is fail"')
    expect([await read('node1/always'), await read('node1/after')]).toEqual(['x\n', undefined])
  })

  test('is one exec on a node where nothing is to be done, and plans never show its rescue', async () => {
    const calm = attempt({ title: 'calm', steps: [write('a', '1'), write('b', '2')], rescue: [note('rescued')] })
    await run([on('node1', calm)])
    execs.splice(0)
    expect((await run([on('node1', calm)], { mode: 'plan' })).outcomes).toEqual([
      'node1: a is 1: ok',
      'node1: b is 2: ok',
    ])
    expect((await run([on('node1', calm)])).summary).toMatchObject({ changed: 0 })
    expect(execs.filter((node) => node === 'node1')).toHaveLength(2)
  })
})

describe('a step on another node', () => {
  test('is done there for each node of the play, and counts for that', async () => {
    const add = (name: string) =>
      command(
        { title: `list ${name}`, run: `echo ${name} >>"$NODE/list"`, unless: `grep -qx ${name} "$NODE/list"` },
        { on: 'mgmt' },
      )
    const plays: Play[] = [{ name: 'list', hosts: 'worker', steps: ({ name }) => [add(name), write('a', '1')] }]
    expect((await run(plays, { mode: 'plan', limit: ['node1'] })).outcomes).toContain(
      'node1: list node1 (on mgmt): would-change',
    )
    expect((await run(plays)).summary).toMatchObject({ failed: 0, changed: 6 })
    expect((await read('mgmt/list'))?.trim().split('\n').sort()).toEqual(['node1', 'node2', 'node3'])
    expect((await run(plays)).summary).toMatchObject({ changed: 0, hosts: { node1: { ok: 2 } } })
  })
})

test('an error says where it was written, what was wanted and found, the last words, and what to type', async () => {
  const { summary } = await run([on('node1', write('a', 'fail'))])
  expect(summary.errors[0]).toMatchObject({
    where: expect.stringMatching(/^node1, test\/executor\/flow-nodes\.ts:\d+$/) as string,
    message: 'node1: "a is fail": its script exited with 3:\nno room left\ntest: wanted passes, found fails',
    hint: expect.stringMatching(/^look at .*flow-nodes\.ts:\d+, then: lab run it\.ts --limit node1$/) as string,
  })
})
