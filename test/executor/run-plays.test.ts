import { execa } from 'execa'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runPlays } from '../../src/executor/run-plays.ts'
import type { Connection } from '../../src/model/connection.ts'
import { LabError } from '../../src/model/errors.ts'
import type { RunEvent } from '../../src/model/events.ts'
import type { NodeSpec } from '../../src/model/lab-spec.ts'
import type { Play, Step } from '../../src/model/step.ts'
import { markedScript } from '../../src/shell/marked-script.ts'

// The executor's own decisions, with this machine's shell in the place of a node's: no root, no lock file below /run.
let directory: string
let execs: number
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plays-'))
  execs = 0
})
afterEach(() => rm(directory, { recursive: true }))

function node(name: string): NodeSpec {
  return { name, roles: ['worker'], memoryBytes: undefined, cpus: undefined, vars: {} }
}

function shell(name: string): Connection {
  return {
    node: name,
    script: async (text: string) => {
      execs++
      const input = text.replaceAll('/run/lab', join(directory, 'run'))
      const { stdout, stderr, exitCode } = await execa('sh', { input, reject: false, stripFinalNewline: false })
      return { stdout, stderr, status: exitCode ?? -1 }
    },
  } as Connection
}

/** A file with a content, as a step in its simplest form. */
function content(name: string, wanted: string, options: Partial<Step> = {}): Step {
  const path = join(directory, name)
  return {
    kind: 'content',
    title: `write ${name}`,
    source: { file: '/playbooks/example.ts', line: 7 },
    selfContained: true,
    always: false,
    queries: [{ key: path, script: `cat ${path} 2>/dev/null`, parse: ({ stdout }) => stdout }],
    files: [path],
    diff: (observed) => (observed.get(path) === wanted ? [] : [{ path: 'content', from: undefined, to: wanted }]),
    apply: () => [{ argv: ['sh', '-c', `cat >${path}`], stdin: wanted }],
    ...options,
  }
}

interface Options {
  readonly mode?: 'apply' | 'plan'
  readonly nodes?: readonly string[]
  readonly connect?: (name: string) => Connection
}

async function run(plays: readonly Play[], options: Options = {}) {
  const events: RunEvent[] = []
  const summary = await runPlays({
    plays,
    nodes: (options.nodes ?? ['node1']).map(node),
    connect: (name) =>
      name === 'down'
        ? Promise.reject(new LabError('UNREACHABLE', 'down is stopped'))
        : Promise.resolve((options.connect ?? shell)(name)),
    mode: options.mode ?? 'apply',
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
  })
  const outcomes = events.flatMap((event) =>
    event.type === 'step' ? [`${event.node} ${event.title}: ${event.outcome}`] : [],
  )
  return { summary, outcomes, events }
}

const play = (...steps: Step[]): Play => ({ name: 'files', hosts: () => true, steps })

test('a second run changes nothing and asks each host once for all plays', async () => {
  const plays = [play(content('a', '1'), content('b', '2')), play(content('c', '3'))]
  const first = await run(plays)
  expect(first.summary).toMatchObject({ changed: 3, failed: 0, hosts: { node1: { ok: 0, changed: 3 } } })
  expect(await readFile(join(directory, 'b'), 'utf8')).toBe('2')
  execs = 0
  const second = await run(plays)
  expect(second.summary).toMatchObject({ changed: 0, hosts: { node1: { ok: 3, changed: 0 } } })
  expect(execs).toBe(1)
})

test('steps in a row that concern only themselves are applied and looked at again in one exec', async () => {
  await run([play(content('a', '1'), content('b', '2'), content('c', '3'))])
  expect(execs).toBe(2)
})

test('a plan runs nothing, names what would change, and a second plan says the same', async () => {
  const plays = [play(content('a', '1'), content('b', '2'))]
  await writeFile(join(directory, 'a'), '1')
  for (let time = 0; time < 2; time++) {
    const { outcomes, summary } = await run(plays, { mode: 'plan' })
    expect(outcomes).toEqual(['node1 write a: ok', 'node1 write b: would-change'])
    expect(summary.changed).toBe(1)
  }
  await expect(readFile(join(directory, 'b'))).rejects.toThrow('ENOENT')
})

test('a step that stays different is an error with what was wanted and found, and where it was written', async () => {
  const stubborn = content('a', '1', { apply: () => [{ argv: ['true'] }] })
  const { summary, outcomes } = await run([play(stubborn, content('b', '2'))])
  expect(summary.failed).toBe(1)
  expect(summary.errors[0]).toMatchObject({ code: 'NOT_CONVERGED' })
  expect(summary.errors[0]?.message).toContain('wanted 1, found nothing')
  expect(summary.errors[0]?.where).toMatch(/node1, .*example\.ts:7/)
  expect(outcomes.at(-1)).toMatch(/failed$/)
})

test('a command that fails stops its host with its last words, secrets hidden; other hosts go on', async () => {
  const broken: Step = content('a', '1', {
    apply: () => [
      {
        argv: ['sh', '-c', 'cat; echo no room left >&2; exit 3'],
        stdin: 'hunter2hunter2',
        secrets: ['hunter2hunter2'],
      },
    ],
  })
  const plays: Play[] = [
    { name: 'first', hosts: ['node1'], steps: [broken] },
    { name: 'second', hosts: ['node1', 'node2'], steps: [content('b', '2')] },
  ]
  const { summary } = await run(plays, { nodes: ['node1', 'node2'] })
  expect(summary.hosts).toMatchObject({ node1: { failed: 1, skipped: 1 }, node2: { changed: 1, failed: 0 } })
  expect(summary.errors[0]?.message).toMatch(/exited with 3/)
  expect(summary.errors[0]?.message).toContain('no room left')
  expect(summary.errors[0]?.message).not.toContain('hunter2')
})

test('a host that is down is reported, and the others are done', async () => {
  const { summary } = await run([play(content('a', '1'))], { nodes: ['down', 'node1'] })
  expect(summary.hosts).toMatchObject({ down: { failed: 1, skipped: 1 }, node1: { changed: 1 } })
  expect(summary.errors[0]?.code).toBe('UNREACHABLE')
})

test('a secret in an argument vector is refused before anything runs', async () => {
  const leaky = content('a', '1', { apply: () => [{ argv: ['echo', 'hunter2'], secrets: ['hunter2'] }] })
  const { summary } = await run([play(leaky)])
  expect(summary.errors[0]?.code).toBe('SECRET_IN_ARGV')
})

test('a step that always runs is reported as a change every time and is not looked at again', async () => {
  const always = content('a', '1', {
    always: true,
    queries: [],
    diff: () => [{ path: 'runs', from: undefined, to: 'x' }],
    apply: () => [{ argv: ['true'] }],
  })
  for (let time = 0; time < 2; time++)
    expect((await run([play(always)])).summary).toMatchObject({ changed: 1, failed: 0 })
})

test('an apply waits for the lock that another run holds on the node, and gives it back', async () => {
  const lock = join(directory, 'run', 'lock')
  const release = join(directory, 'release')
  await execa('mkdir', ['-p', join(directory, 'run')])
  await execa('mkfifo', [release])
  const other = execa('flock', [lock, 'sh', '-c', `echo locked; cat ${release}`])
  await new Promise<void>((resolve) =>
    other.stdout.once('data', () => {
      resolve()
    }),
  )
  let done = false
  const ours = run([play(content('a', '1'))]).then((result) => {
    done = true
    return result
  })
  await execa('sh', ['-c', 'true'])
  expect(done).toBe(false)
  await writeFile(release, 'go')
  await other
  expect((await ours).summary).toMatchObject({ changed: 1, failed: 0 })
})

test('facts that were read between two changes of another run are not acted upon', async () => {
  const count = (name: string, looked?: () => Promise<void>) =>
    content(name, 'x', {
      selfContained: false,
      diff: (observed) =>
        observed.get(join(directory, name)) === '' ? [{ path: 'content', from: undefined, to: 'x' }] : [],
      apply: async () => {
        await looked?.()
        return [{ argv: ['sh', '-c', `printf x >>${join(directory, name)}`] }]
      },
    })
  const gate = () => {
    let open: () => void = () => undefined
    const opened = new Promise<void>((resolve) => (open = resolve))
    return { open, opened }
  }
  const [firstDone, otherLooked] = [gate(), gate()]
  // One run makes both; the other reads facts after the first change, and wants to act after the second.
  const one = run([
    play(
      count('a'),
      count('b', () => (firstDone.open(), otherLooked.opened)),
    ),
  ])
  await firstDone.opened
  const slow = async () => {
    otherLooked.open()
    await one
  }
  const two = await run([play(count('a'), count('b', slow))])
  expect([(await one).summary.failed, two.summary.failed]).toEqual([0, 0])
  expect(await readFile(join(directory, 'b'), 'utf8')).toBe('x')
})

test('a script that was cut off on its way runs nothing', async () => {
  const script = markedScript([{ text: `echo 1 >${join(directory, 'cut')}` }, { text: 'true' }], 'marker')
  await execa('sh', { input: script.slice(0, -3), reject: false })
  await expect(readFile(join(directory, 'cut'))).rejects.toThrow('ENOENT')
})
