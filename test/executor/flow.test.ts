import { execa } from 'execa'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Confirm } from '../../src/executor/host.ts'
import { runPlays } from '../../src/executor/run-plays.ts'
import { output, result } from '../../src/facts/result.ts'
import type { Connection } from '../../src/model/connection.ts'
import { LabError } from '../../src/model/errors.ts'
import { attempt, changed, given } from '../../src/model/flow.ts'
import type { NodeSpec } from '../../src/model/lab-spec.ts'
import type { Play, Step } from '../../src/model/step.ts'
import { command } from '../../src/steps/command.ts'

// This machine's shell in the place of a node's; `$NODE` is the directory that stands for the node.
let directory: string
let execs: string[]
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flow-'))
  execs = []
})
afterEach(() => rm(directory, { recursive: true }))

const NODES: readonly NodeSpec[] = ['mgmt', 'node1', 'node2', 'node3'].map((name) => ({
  name,
  roles: name === 'mgmt' ? ['manager'] : ['worker'],
  memoryBytes: undefined,
  cpus: undefined,
  vars: {},
  ...(name === 'node2' || name === 'node3' ? { groups: ['web'] } : {}),
}))

function shell(node: string): Connection {
  const home = join(directory, node)
  return {
    node,
    script: async (text: string) => {
      execs.push(node)
      const input = `mkdir -p ${home}; ${text.replaceAll('/run/lab', join(home, 'run'))}`
      const env = { NODE: home }
      const { stdout, stderr, exitCode } = await execa('sh', { input, env, reject: false, stripFinalNewline: false })
      return { stdout, stderr, status: exitCode ?? -1 }
    },
  } as Connection
}

/** A file on the node with a content; `text` fails when it is `fail`. */
function write(name: string, text: string): Step {
  const run = text === 'fail' ? 'echo no room left >&2; exit 3' : `printf %s ${text} >"$NODE/${name}"`
  return command({ title: `${name} is ${text}`, run, unless: `[ "$(cat "$NODE/${name}" 2>&1)" = ${text} ]` })
}
const note = (name: string) => command({ title: `note ${name}`, run: `echo x >>"$NODE/${name}"`, always: true })
const on = (hosts: Play['hosts'], ...steps: Step[]): Play => ({ name: 'play', hosts, steps })
const read = (path: string) => readFile(join(directory, path), 'utf8').catch(() => undefined)

interface Options {
  readonly mode?: 'apply' | 'plan'
  readonly limit?: readonly string[]
  readonly startAt?: string
  readonly confirm?: Confirm
  readonly down?: string
}

async function run(plays: readonly Play[], options: Options = {}) {
  const outcomes: string[] = []
  const notices: string[] = []
  const summary = await runPlays({
    plays,
    nodes: NODES,
    connect: (name) =>
      name === options.down ? Promise.reject(new LabError('UNREACHABLE', 'down')) : Promise.resolve(shell(name)),
    mode: 'apply',
    again: 'lab run it.ts',
    emit: (event) => {
      if (event.type === 'step') outcomes.push(`${event.node}: ${event.title.split('\n')[0] ?? ''}: ${event.outcome}`)
      if (event.type === 'notice') notices.push(event.message)
    },
    signal: new AbortController().signal,
    ...options,
  })
  return { summary, outcomes, notices }
}

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
    execs = []
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
    await writeFile(join(directory, 'node1/copy'), 'drifted')
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
    execs = []
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

describe('rolling runs', () => {
  const breaks: Play = {
    name: 'roll',
    hosts: 'worker',
    serial: 1,
    steps: ({ name }) => [write('a', name === 'node2' ? 'fail' : '1')],
  }

  test('end where more nodes failed than allowed; those to follow are left as they are', async () => {
    const { summary } = await run([{ ...breaks, maxFail: 0 }, on('node1', write('next', '1'))])
    expect(summary.hosts).toMatchObject({
      node1: { changed: 1, skipped: 1 },
      node2: { failed: 1 },
      node3: { changed: 0, skipped: 1 },
    })
    expect([await read('node3/a'), await read('node1/next')]).toEqual([undefined, undefined])
  })

  test('go on while few enough failed, and do not begin with too many down', async () => {
    const { summary } = await run([{ ...breaks, serial: 2, maxFail: 1 }])
    expect(summary.hosts).toMatchObject({ node1: { changed: 1 }, node2: { failed: 1 }, node3: { changed: 1 } })
    expect((await run([{ ...breaks, maxFail: 0 }], { down: 'node3' })).summary.changed).toBe(0)
  })
})

describe('a run that begins in the middle', () => {
  const second: Play = {
    ...on(['node1', 'node2'], attempt({ title: 'b', steps: [write('b', '2'), write('c', '3')] }), write('d', '4')),
    name: 'second',
  }
  const plays = [on('node1', write('a', '1')), second]

  test('leaves out what comes before the step of that title', async () => {
    const { outcomes } = await run(plays, { startAt: 'c is', mode: 'plan', limit: ['node1'] })
    expect(outcomes).toEqual(['node1: c is 3: would-change', 'node1: d is 4: would-change'])
  })

  test('at a step that is not there is bad input', async () => {
    await expect(run(plays, { startAt: 'd is 5' })).rejects.toMatchObject({
      exitCode: 64,
      hint: 'did you mean "d is 4"?',
    })
  })
})

describe('a run that asks before each change', () => {
  test('makes those that are wanted, and ends when its user says so', async () => {
    const asked: string[] = []
    const confirm: Confirm = ({ title }) => {
      asked.push(title)
      if (title.startsWith('c')) return Promise.reject(new LabError('STOPPED', 'stopped before it'))
      return Promise.resolve(!title.startsWith('a'))
    }
    const plays = [on('node1', write('a', '1'), write('b', '2'), write('c', '3'))]
    await expect(run(plays, { confirm })).rejects.toMatchObject({ code: 'STOPPED' })
    expect(asked).toEqual(['a is 1', 'b is 2', 'c is 3'])
    expect([await read('node1/a'), await read('node1/b'), await read('node1/c')]).toEqual([undefined, '2', undefined])
  })
})

test('an error says where it was written, what was wanted and found, the last words, and what to type', async () => {
  const { summary } = await run([on('node1', write('a', 'fail'))])
  expect(summary.errors[0]).toMatchObject({
    where: expect.stringMatching(/^node1, test\/executor\/flow\.test\.ts:\d+$/) as string,
    message: 'node1: "a is fail": its script exited with 3:\nno room left\ntest: wanted passes, found fails',
    hint: expect.stringMatching(/^look at .*flow\.test\.ts:\d+, then: lab run it\.ts --limit node1$/) as string,
  })
})
