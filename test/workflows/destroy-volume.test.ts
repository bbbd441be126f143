import { expect, test } from 'vitest'
import type { Machine } from '../../src/model/provider.ts'
import { stateWhenOff } from '../../src/workflows/destroy-volume.ts'

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
