import { expect, test } from 'vitest'
import type { Machine } from '../../src/model/provider.ts'
import { epochToFence, stateWhenOff } from '../../src/workflows/destroy-volume.ts'

const machine = (change: Partial<Machine>): Machine => ({
  name: 'node1',
  state: 'running',
  address: '10.0.0.11',
  ssh: undefined,
  specDigest: '',
  ...change,
})

test.each<[string, readonly Machine[], string | undefined]>([
  ['runs, as far as anybody can tell', [machine({})], undefined],
  ['is paused: it goes on one day', [machine({ paused: true })], undefined],
  ['is off', [machine({ state: 'stopped' })], 'off'],
  ['is gone', [machine({ name: 'node2' })], 'gone'],
])('an owner that %s', async (_, now, state) => {
  // What was listed before the volume was locked counts for nothing.
  let machines: readonly Machine[] = [machine({ state: state === undefined ? 'stopped' : 'running' })]
  const lab = { machines: () => Promise.resolve(machines), refresh: () => void (machines = now) }
  expect(await stateWhenOff(lab, 'node1')).toBe(state)
})

test('what is left of a volume that was destroyed while its owner was off goes with the next of that name', () => {
  expect(epochToFence(0, { leaseEpoch: 6 })).toBe(6)
  expect(epochToFence(0, { leaseEpoch: 0 })).toBe(1)
  // Whoever was overtaken destroys nothing.
  expect(epochToFence(5, { leaseEpoch: 6 })).toBe(5)
})
