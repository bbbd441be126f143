import { text } from 'node:stream/consumers'
import { execa } from 'execa'
import { afterEach, expect, test } from 'vitest'
import { joinSwarm } from '../../src/facts/engine-api.ts'
import { startScriptedEngine, type Reply, type ScriptedEngine } from './scripted-engine.ts'

let engines: ScriptedEngine[] = []
afterEach(async () => {
  for (const engine of engines) await engine.close()
  engines = []
})

const LATE = {
  status: 503,
  body: {
    message: 'Timeout was reached before node joined. The attempt to join the swarm will continue in the background.',
  },
}

/** Runs the step's own script against an engine with these answers to joining, and then in turn how far it has come. */
async function joinThrough(reply: Reply | readonly Reply[], states: readonly string[]) {
  const asked: string[] = []
  const replies = [reply].flat()
  const left = [...states]
  const engine = await startScriptedEngine(async (request) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''} ${await text(request)}`.trim())
    return request.url === '/info'
      ? { status: 200, body: { Swarm: { LocalNodeState: left.shift() ?? 'pending' } } }
      : (replies.shift() ?? LATE)
  })
  engines.push(engine)
  const { argv, stdin } = joinSwarm({ JoinToken: 'SWMTKN-1' })
  const [command = '', ...args] = argv.map(engine.at)
  const { exitCode, stderr } = await execa(command, args, { input: String(stdin), reject: false })
  return { exitCode, stderr, asked }
}

test('a node that the managers take at once is asked for nothing else', async () => {
  const { exitCode, asked } = await joinThrough({ status: 200, body: {} }, [])
  expect([exitCode, asked]).toEqual([0, ['POST /swarm/join {"JoinToken":"SWMTKN-1"}']])
})

test('where the engine goes on with it by itself, it is waited for', async () => {
  const { exitCode, asked } = await joinThrough(LATE, ['pending', 'active'])
  expect([exitCode, asked.slice(1)]).toEqual([0, ['GET /info', 'GET /info']])
})

test('a join that fails after all says what the engine said', async () => {
  const late = await joinThrough(LATE, ['error'])
  expect([late.exitCode, late.stderr]).toEqual([22, expect.stringContaining('Timeout was reached')])
  const refused = await joinThrough({ status: 400, body: { message: 'invalid join token' } }, [])
  expect([refused.exitCode, refused.stderr]).toEqual([22, expect.stringContaining('invalid join token')])
  expect(refused.asked).toHaveLength(1)
})

test('where managers that join at once stand in its way, it is tried again', async () => {
  const inTheWay = { status: 500, body: { message: 'context deadline exceeded' } }
  const { exitCode, asked } = await joinThrough([inTheWay, { status: 200, body: {} }], [])
  expect([exitCode, asked]).toEqual([0, Array(2).fill('POST /swarm/join {"JoinToken":"SWMTKN-1"}')])
})
