import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunEvent } from '../../src/model/events.ts'
import { waitFor } from '../../src/model/wait.ts'
import { recordRun } from '../../src/reporters/run-record.ts'
import { runPlaybook } from '../../src/workflows/run.ts'
import { sh, type NodeLine } from '../../src/workflows/sh.ts'
import { startNodes, type TestNodes } from '../node-fixture.ts'

let started: TestNodes
let directory: string
beforeAll(async () => {
  // Playbooks run with the compiled lab.
  execFileSync('node', ['build.mjs'], { cwd: new URL('../..', import.meta.url).pathname })
  directory = mkdtempSync(join(tmpdir(), 'lab-run-'))
  started = await startNodes('node1', 'node2')
})
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true })
  await started.destroy()
})

/** Runs a playbook of these plays, on record. */
async function run(plays: string, check = false) {
  const file = join(directory, 'play.ts')
  writeFileSync(
    file,
    `import { attempt, changed, given, output, playbook, result } from 'lab'
import { $ } from 'lab/local'
import { command } from 'lab/steps/command'
import { file } from 'lab/steps/file'
export default playbook({ name: 'test', vars: { word: 'none' }, plays: ({ vars }) => [${plays}] })
`,
  )
  const events: RunEvent[] = []
  const record = recordRun(join(directory, 'runs'), 'run')
  const emit = (event: RunEvent) => {
    events.push(event)
    record.on(event)
  }
  const options = { file, again: 'lab run play.ts', check, diff: false, vars: { word: 'given' } }
  const summary = await runPlaybook({ ...started.open, emit }, options)
  void record.close?.()
  return { summary, events }
}

const PLAYS = `{ name: 'roll', hosts: 'worker', serial: 1, maxFail: 0, steps: (node) => {
  const config = file({ path: '/srv/config', content: 'word=' + vars.word + '\\n' })
  const id = result({ ask: ['cat', '/etc/hostname'], after: [config] })
  return [
    config,
    command({ title: 'tell', run: 'echo x >>/srv/told', always: true }, { when: changed(config) }),
    given({ id }, ({ id }) => [file({ path: '/srv/id', content: id })]),
    command({ title: 'list ' + node.name, run: 'echo ' + node.name + ' >>/srv/list', unless: 'grep -qx ' + node.name + ' /srv/list' }, { on: 'node1' }),
    attempt({ title: 'try', steps: [command({ title: 'breaks', run: 'exit 3', unless: 'test -e /srv/mended' })],
      rescue: [file({ path: '/srv/mended', content: '' })] }),
  ] } }`

test('a playbook with everything in it does what it says, and then nothing', async () => {
  const planned = await run(PLAYS, true)
  expect(planned.summary).toMatchObject({ failed: 0, maybe: 4 })
  expect((await run(PLAYS)).summary).toMatchObject({
    failed: 0,
    hosts: { node1: { changed: 5 }, node2: { changed: 5 } },
  })
  for (const check of [true, false])
    expect((await run(PLAYS, check)).summary).toMatchObject({
      changed: 0,
      maybe: 0,
      failed: 0,
      hosts: { node2: { ok: 4, skipped: 1 } },
    })
  const look = await started.connect('node1')
  expect((await look.exec({ argv: ['cat', '/srv/list', '/srv/id', '/srv/told', '/srv/config'] })).stdout).toBe(
    'node1\nnode2\nnode1x\nword=given\n',
  )
})

test('records hold the lines of files that changed, and never a secret', async () => {
  const secret = 'hunter2-hunter2'
  const { summary } = await run(`{ name: 'p', hosts: 'node1', steps: [
    file({ path: '/srv/plain', content: 'seen\\n' }),
    file({ path: '/srv/hidden', content: '${secret}', secret: true }),
    command({ title: 'breaks', run: 'cat; cat >&2; exit 4', stdin: '${secret}', secrets: ['${secret}'], always: true }),
  ] }`)
  expect(summary.errors[0]?.message).toMatch(/exited with 4:\n\*\*\*$/)
  expect(summary.errors[0]?.where).toMatch(/^node1, .*play\.ts:8$/)
  const records = readdirSync(join(directory, 'runs')).filter((name) => name.endsWith('.jsonl'))
  const text = records.map((name) => readFileSync(join(directory, 'runs', name), 'utf8')).join('')
  expect(text).toContain('+seen')
  expect(text).not.toContain(secret)
})

test('lab sh tells every line with its node, and how it ended there', async () => {
  const lines: NodeLine[] = []
  const command = ['hostname; echo wrong >&2; [ "$(hostname)" = node1 ]']
  const ends = await sh(started.open, { command }, (line) => lines.push(line))
  expect(ends).toEqual([
    { node: 'node1', status: 0 },
    { node: 'node2', status: 1 },
  ])
  for (const node of ['node1', 'node2']) {
    const own = lines.filter((line) => line.node === node).map(({ stream, line }) => `${stream} ${line}`)
    expect(own.sort()).toEqual(['stderr wrong', `stdout ${node}`])
  }
  const some = await sh(started.open, { on: ['node2'], command: ['cat'] }, () => undefined)
  expect(some).toEqual([{ node: 'node2', status: 0 }])
})

test('Ctrl-C ends what lab sh runs, on every node', async () => {
  const abort = new AbortController()
  const lines: NodeLine[] = []
  const running = sh({ ...started.open, signal: abort.signal }, { command: ['echo here; exec sleep 4321'] }, (line) => {
    lines.push(line)
    if (lines.length === 2) abort.abort(new Error('interrupted'))
  })
  await expect(running).rejects.toThrow('interrupted')
  for (const node of ['node1', 'node2']) {
    const look = await started.connect(node)
    await waitFor(
      async () => ((await look.exec({ argv: ['pgrep', '-f', '^sleep 4321'] })).status === 1 ? true : undefined),
      {
        deadlineMs: 5000,
        what: 'sleep to end',
      },
    )
  }
})
