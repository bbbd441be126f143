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

test('certificates of members are given the time that is asked for, and are left alone where none is', async () => {
  const long = swarmSettings({ heartbeatMs: 1000, taskHistory: 2, certificateDays: 3650 })
  const settings = { heartbeatMs: 1000, taskHistory: 2, certificateDays: 90 }
  const state = { engine: engine({ swarm: membership({ state: 'active', role: 'manager', settings }) }) }
  const { changes, commands } = await consider(long, state)
  expect(changes).toEqual([{ path: 'certificateDays', from: '90', to: '3650' }])
  expect(commands[0]?.argv).toContain('--cert-expiry=87600h')
  expect((await consider(step, state)).changes).toEqual([])
})
