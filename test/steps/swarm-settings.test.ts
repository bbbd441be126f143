import { expect, test } from 'vitest'
import { swarmSettings } from '../../src/steps/swarm-settings.ts'
import { engine, membership } from './engine-case.ts'
import { consider } from './step-case.ts'

const step = swarmSettings({ heartbeatMs: 1000, taskHistory: 2 })
const seen = (settings: { heartbeatMs: number; taskHistory: number }) =>
  consider(step, { engine: engine({ swarm: membership({ state: 'active', role: 'manager', settings }) }) })

test('settings as wanted are left alone', async () => {
  expect((await seen({ heartbeatMs: 1000, taskHistory: 2 })).changes).toEqual([])
})

test('what differs is named and set', async () => {
  const { changes, commands } = await seen({ heartbeatMs: 5000, taskHistory: 2 })
  expect(changes).toEqual([{ path: 'heartbeatMs', from: '5000', to: '1000' }])
  expect(commands[0]?.argv).toContain('--dispatcher-heartbeat=1000ms')
})
