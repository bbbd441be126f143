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

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-start-'))
  // This machine's own engine is not for a test to restart.
  await writeFile(join(directory, 'systemctl'), `#!/bin/sh\necho "$@" >>${join(directory, 'asked')}\n`)
  await chmod(join(directory, 'systemctl'), 0o755)
})
afterEach(() => rm(directory, { recursive: true }))

/** Runs the step's own script against an engine that answers so, in turn. */
async function startThrough(...replies: readonly Reply[]) {
  let calls = 0
  const engine = await startScriptedEngine(() => Promise.resolve(replies[calls++] ?? REFUSED))
  const { argv, stdin } = startContainer('lab-probe')
  const [command = '', ...args] = argv.map(engine.at)
  const env = { PATH: `${directory}${delimiter}${process.env['PATH'] ?? ''}` }
  const { exitCode, stderr } = await execa(command, args, { input: String(stdin), reject: false, env })
  await engine.close()
  const restarts = await readFile(join(directory, 'asked'), 'utf8').catch(() => '')
  return { exitCode, stderr, calls, restarts }
}

test('a place that comes a little later is waited for, and the engine left alone', async () => {
  expect(await startThrough(REFUSED, STARTED)).toMatchObject({ exitCode: 0, calls: 2, restarts: '' })
})

test('where the swarm refuses twice, the engine is restarted, once', async () => {
  const mended = await startThrough(REFUSED, REFUSED, STARTED)
  expect(mended).toMatchObject({ exitCode: 0, calls: 3, restarts: 'restart docker\n' })
})

test('where that does not help, it says what the engine said', async () => {
  const given = await startThrough()
  expect(given).toMatchObject({ exitCode: 22, calls: 5, restarts: 'restart docker\n' })
  expect(given.stderr).toContain('attaching to network failed')
})

test('anything else is an error at once', async () => {
  const broken = await startThrough({ status: 500, body: { message: 'no space left on device' } })
  expect(broken).toMatchObject({ exitCode: 22, calls: 1, restarts: '' })
  expect(broken.stderr).toContain('no space left')
})
