import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSsh } from '../../src/connections/ssh.ts'
import { runPlays } from '../../src/executor/run-plays.ts'
import type { Connection } from '../../src/model/connection.ts'
import type { RunEvent } from '../../src/model/events.ts'
import type { Play, Step } from '../../src/model/step.ts'
import { waitFor } from '../../src/model/wait.ts'
import { hostKey, labKey } from '../../src/secrets/lab-secrets.ts'
import { command } from '../../src/steps/command.ts'
import { file } from '../../src/steps/file.ts'
import { startNodes, type TestNodes } from '../node-fixture.ts'

let started: TestNodes
let look: Connection
beforeAll(async () => {
  started = await startNodes('node1', 'node2')
  look = await started.connect('node1')
})
afterAll(() => started.destroy())

/** A connection that can be cut without harm to the other tests. */
async function connect(node: string): Promise<Connection> {
  const machine = (await started.open.machines()).find(({ name }) => name === node)
  if (machine?.ssh === undefined) throw new Error(`${node} has no SSH endpoint`)
  const { privateKey } = await labKey(started.open.state)
  const { publicKey } = await hostKey(started.open.state, node)
  return openSsh({ node, ...machine.ssh, privateKey, hostKey: publicKey, deadlineMs: 5000 })
}

async function run(
  plays: readonly Play[],
  options: { connect?: (node: string) => Promise<Connection>; signal?: AbortSignal; limit?: readonly string[] } = {},
) {
  const events: RunEvent[] = []
  const summary = await runPlays({
    plays,
    nodes: started.nodes,
    connect: options.connect ?? started.connect,
    mode: 'apply',
    limit: options.limit,
    emit: (event) => events.push(event),
    signal: options.signal ?? new AbortController().signal,
  })
  return { summary, events }
}

const on = (hosts: readonly string[], ...steps: Step[]): Play => ({ name: 'test', hosts, steps })
const exists = async (path: string) => (await look.exec({ argv: ['test', '-e', path] })).status === 0
const appears = (path: string) =>
  waitFor(async () => ((await exists(path)) ? true : undefined), { deadlineMs: 10_000, what: path })
const lines = async (path: string) => (await look.readFile(path)).toString().split('\n').length - 1

test.each([
  ['in the script that applies', undefined],
  ['under a unit of its own', 'lab-slow'],
])('what a killed run left at work %s is waited for, and done once', async (_, unit) => {
  const name = unit ?? 'plain'
  const slow = command({
    title: 'something slow',
    run: `echo began >>/srv/${name}; until [ -e /srv/${name}-go ]; do sleep 0.1; done; touch /srv/${name}-done`,
    creates: `/srv/${name}-done`,
    ...(unit === undefined ? {} : { unit }),
  })
  const after = file({ path: `/srv/${name}-after`, content: 'x' })
  const doomed = await connect('node1')
  const killed = run([on(['node1'], slow, after)], { connect: () => Promise.resolve(doomed) })
  await appears(`/srv/${name}`)
  await doomed.close()
  expect((await killed).summary.errors[0]?.code).toBe('UNREACHABLE')

  let waiting: (() => void) | undefined
  const noticed = new Promise<void>((resolve) => (waiting = resolve))
  const second = runPlays({
    plays: [on(['node1'], slow, after)],
    nodes: started.nodes,
    connect: started.connect,
    mode: 'apply',
    emit: (event) => {
      if (event.type === 'notice') waiting?.()
    },
    signal: new AbortController().signal,
  })
  await noticed
  await look.exec({ argv: ['touch', `/srv/${name}-go`] })
  const summary = await second
  expect(summary).toMatchObject({ failed: 0, hosts: { node1: { ok: 1, changed: 1 } } })
  expect(await lines(`/srv/${name}`)).toBe(1)
  expect(await exists(`/srv/${name}-after`)).toBe(true)
})

test('Ctrl-C ends what runs on every node, and the next run finishes the job', async () => {
  const step = command({ title: 'wait', run: 'echo >>/srv/began; sleep 6789; touch /srv/ended', creates: '/srv/ended' })
  const abort = new AbortController()
  const aborted = run([on(['node1', 'node2'], step)], { signal: abort.signal })
  await appears('/srv/began')
  abort.abort(new Error('interrupted'))
  await expect(aborted).rejects.toThrow('interrupted')
  const other = await started.connect('node2')
  for (const connection of [look, other]) {
    await waitFor(
      async () => ((await connection.exec({ argv: ['pgrep', '-f', '^sleep 6789'] })).status === 1 ? true : undefined),
      { deadlineMs: 5000, what: 'the command to end' },
    )
  }
  const quick = command({ title: 'wait', run: 'touch /srv/ended', creates: '/srv/ended' })
  expect((await run([on(['node1', 'node2'], quick)])).summary).toMatchObject({ changed: 2, failed: 0 })
})

// Facts that are read in the middle of the other's change are stale although it was the last one: each round is a chance.
test('two runs at once do each thing once', async () => {
  for (let round = 0; round < 20; round++) {
    const count = (i: number) => `/srv/count${String(round)}-${String(i)}`
    const steps = () =>
      [0, 1, 2, 3].map((i) =>
        command({ title: `count ${String(i)}`, run: `echo >>${count(i)}`, unless: `test -s ${count(i)}` }),
      )
    const [one, two] = await Promise.all([run([on(['node1'], ...steps())]), run([on(['node1'], ...steps())])])
    expect([one.summary.failed, two.summary.failed]).toEqual([0, 0])
    for (const i of [0, 1, 2, 3]) expect(await lines(count(i)), `round ${String(round)}`).toBe(1)
  }
})

test('a node that is down is reported, the others are done, and a step reads facts of a node outside the limit', async () => {
  const away = (node: string) => (node === 'node1' ? Promise.reject(new Error('no route')) : started.connect(node))
  const step = file({ path: '/srv/there', content: 'x' })
  const { summary } = await run([on(['node1', 'node2'], step)], { connect: away })
  expect(summary.hosts).toMatchObject({ node1: { failed: 1, skipped: 1 }, node2: { changed: 1, failed: 0 } })

  const copy: Step = {
    ...file({ path: '/srv/name', content: 'x' }),
    queries: [{ key: 'name', script: 'cat /srv/name 2>/dev/null', parse: ({ stdout }) => stdout.trim() }],
    diff: (observed) => (observed.get('name') === 'node2' ? [] : [{ path: 'name', from: undefined, to: 'node2' }]),
    apply: async (_changes, _observed, { read }) => {
      const stdin = await read('node2', { key: 'hostname', script: 'hostname', parse: ({ stdout }) => stdout })
      return [{ argv: ['sh', '-c', 'cat >/srv/name'], stdin }]
    },
  }
  expect((await run([on(['node1'], copy)], { limit: ['node1'] })).summary).toMatchObject({ changed: 1, failed: 0 })
})
