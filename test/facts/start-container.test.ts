import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startContainer } from '../../src/facts/engine-api.ts'
import { startScriptedEngine, type Reply } from './scripted-engine.ts'

const STARTED: Reply = { status: 204, body: {} }
const REFUSED: Reply = {
  status: 500,
  body: { message: 'attaching to network failed, make sure your network options are' },
}

/** What an engine says of a network that it has just got no place on. */
const FORGOT: Reply = { status: 404, body: { message: 'network lab not found' } }

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-start-'))
  // This machine's own engine is not for a test to restart.
  await script('systemctl', `echo "$@" >>${join(directory, 'asked')}`)
  await script('sleep', 'exit 0')
})
afterEach(() => rm(directory, { recursive: true }))

async function script(name: string, text: string): Promise<void> {
  await writeFile(join(directory, name), `#!/bin/sh\n${text}\n`)
  await chmod(join(directory, name), 0o755)
}

/** Runs the step's own script against an engine that answers so, in turn, and runs these containers of services. */
async function startThrough(
  replies: readonly Reply[],
  { remedy = true, tasks = [] }: { readonly remedy?: boolean; readonly tasks?: readonly object[] } = {},
) {
  let calls = 0
  const asked: string[] = []
  const engine = await startScriptedEngine(({ method, url = '' }) => {
    if (method === 'POST') return replies[calls++] ?? REFUSED
    asked.push(decodeURIComponent(url))
    return { status: 200, body: tasks }
  })
  const { argv, stdin } = startContainer('lab-probe', remedy ? 'restart' : undefined)
  const [command = '', ...args] = argv.map(engine.at)
  const env = { PATH: `${directory}${delimiter}${process.env['PATH'] ?? ''}` }
  const { exitCode, stderr } = await execa(command, args, { input: String(stdin), reject: false, env })
  await engine.close()
  const restarts = await readFile(join(directory, 'asked'), 'utf8').catch(() => '')
  return { exitCode, stderr, calls, restarts, asked }
}

test('a place that comes late is waited for, and the engine left alone', async () => {
  const late = await startThrough([REFUSED, REFUSED, REFUSED, REFUSED, STARTED])
  expect(late).toMatchObject({ exitCode: 0, calls: 5, restarts: '', asked: [] })
})

test('a network that the engine forgot after each refusal costs no patience; one that is not there at all does', async () => {
  const late = await startThrough([REFUSED, FORGOT, REFUSED, FORGOT, REFUSED, FORGOT, REFUSED, FORGOT, STARTED])
  expect(late).toMatchObject({ exitCode: 0, calls: 9, restarts: '' })
  const missing = await startThrough([FORGOT, FORGOT, FORGOT, FORGOT, FORGOT])
  expect(missing).toMatchObject({ exitCode: 22, calls: 5, restarts: '' })
})

test('where it does not come, an engine that runs nothing for services is restarted, once, which is said', async () => {
  const mended = await startThrough([REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, STARTED])
  expect(mended).toMatchObject({ exitCode: 0, calls: 6, restarts: 'restart docker\n' })
  expect(mended.asked).toEqual(['/containers/json?filters={"label":["com.docker.swarm.task.id"]}'])
  expect(mended.stderr).toContain('restarted')
})

test('where that does not help, it says what the engine said', async () => {
  const given = await startThrough([])
  expect(given).toMatchObject({ exitCode: 22, calls: 7, restarts: 'restart docker\n' })
  expect(given.stderr).toContain('attaching to network failed')
})

test('a node whose services run was not given up: nothing of them is taken away', async () => {
  const full = await startThrough([], { tasks: [{ Id: 'a' }] })
  expect(full).toMatchObject({ exitCode: 22, calls: 5, restarts: '' })
  expect(full.stderr).toContain('attaching to network failed')
})

test('where no remedy is asked for, no engine is restarted', async () => {
  expect(await startThrough([], { remedy: false })).toMatchObject({ exitCode: 22, calls: 5, restarts: '', asked: [] })
})

test('anything else is an error at once', async () => {
  const broken = await startThrough([{ status: 500, body: { message: 'no space left on device' } }])
  expect(broken).toMatchObject({ exitCode: 22, calls: 1, restarts: '' })
  expect(broken.stderr).toContain('no space left')
})
