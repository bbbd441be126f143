import { expect, test } from 'vitest'
import type { RunEvent } from '../../src/model/events.ts'
import { downtimeOf } from '../../src/workflows/last-downtime.ts'

const moved = (blackoutMs: number, durationMs: number): RunEvent => ({
  type: 'moved',
  volume: 'data',
  from: 'node1',
  to: 'node2',
  epoch: 2,
  rounds: 1,
  bytesSent: 1,
  blackoutMs,
  durationMs,
})

test('a move of the volume tells for how long its service was away', () => {
  expect(downtimeOf(moved(1200, 5000), 'data')).toBe(1200)
  expect(downtimeOf(moved(1200, 5000), 'other')).toBeUndefined()
})

test('one without a service, or with one that had been stopped long before, tells nothing', () => {
  expect(downtimeOf(moved(0, 5000), 'data')).toBeUndefined()
  expect(downtimeOf(moved(600_000, 5000), 'data')).toBeUndefined()
})
