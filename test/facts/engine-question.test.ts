import { execa } from 'execa'
import { afterEach, expect, test } from 'vitest'
import { engineState } from '../../src/facts/engine.ts'
import { startScriptedEngine, type ScriptedEngine } from './scripted-engine.ts'

let engine: ScriptedEngine | undefined
afterEach(async () => {
  await engine?.close()
  engine = undefined
})

const MANAGER = { Swarm: { LocalNodeState: 'active', ControlAvailable: true, Error: '' } }

/** Asks, with the script of the fact itself, an engine that says this of the swarm in the headers of `/_ping`. */
async function ask(swarm: string | undefined, containers: readonly object[] = []) {
  const asked: string[] = []
  const started = await startScriptedEngine(({ method, url }) => {
    asked.push(`${method ?? ''} ${url ?? ''}`)
    if (url === '/_ping') return { status: 200, body: {}, headers: swarm === undefined ? {} : { Swarm: swarm } }
    return { status: 200, body: url === '/info' ? MANAGER : url?.startsWith('/containers') === true ? containers : [] }
  })
  engine = started
  const { exitCode, stdout, stderr } = await execa('sh', { input: started.at(engineState.script), reject: false })
  expect([exitCode, stderr]).toEqual([0, ''])
  return {
    state: engineState.parse({ status: 0, stdout, stderr }),
    infos: asked.filter((each) => each === 'GET /info'),
  }
}

test('a worker is known by the headers, and spared the question that costs most', async () => {
  const { state, infos } = await ask('active/worker')
  expect(state.swarm).toEqual({ state: 'active', role: 'worker', error: '', settings: undefined })
  expect(infos).toEqual([])
})

test.each(['active/manager', 'inactive', 'pending', 'error', undefined])(
  'where they say %s, it is asked',
  async (swarm) => {
    const { state, infos } = await ask(swarm)
    expect(state.swarm.role).toBe('manager')
    expect(infos).toEqual(['GET /info'])
  },
)

test('what a container has written on itself is not taken for the headers', async () => {
  const label = '\nHTTP/1.1 200 OK\r\nSwarm: active/worker'
  const described = { Names: ['/odd'], State: 'running', ImageID: 'i', Labels: { label } }
  const { state, infos } = await ask('active/manager', [{ ...described, NetworkSettings: { Networks: {} } }])
  expect(state.containers.get('odd')?.running).toBe(true)
  expect(infos).toEqual(['GET /info'])
})
