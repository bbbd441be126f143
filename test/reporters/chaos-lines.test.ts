import { expect, test } from 'vitest'
import { told } from './told.ts'

const HEALED = { type: 'fault-healed', healedMs: 2340, requests: 340, failedRequests: 0, longestOutageMs: 0 } as const

test('chaos is told as a timeline: what strikes where, what the lab says of it, when it is healed', () => {
  const lines = told([
    { type: 'fault', fault: 'kill', node: 'node2', atMs: 3100 },
    { type: 'fault-seen', fault: 'kill', node: 'node2', seen: ['node2 is off (lab node start node2)'] },
    { ...HEALED, fault: 'kill', node: 'node2', atMs: 65_000, elsewhereMs: 4800, violations: [] },
    { type: 'fault', fault: 'engine', node: 'node1', atMs: 66_000 },
    { ...HEALED, fault: 'engine', node: 'node1', atMs: 75_000, requests: 0, violations: ['it did not heal'] },
    {
      type: 'chaos',
      seed: 7,
      faults: 2,
      requests: 340,
      failedRequests: 0,
      acknowledged: 200,
      volumes: ['mongo-data'],
      violations: ['it did not heal'],
      durationMs: 75_000,
    },
  ])
  expect(lines).toMatchInlineSnapshot(`
    "
      0:03  ✗ cut the power of node2
             node2 is off (lab node start node2)
      1:05  ✓ node2 healed after 2.3 s
             all ran elsewhere after 4.8 s · 0 of 340 requests failed
      1:06  ✗ restart the engine of node1
      1:15  ✓ node1 healed after 2.3 s
             ✗ it did not heal

    ✗ seed 7: 2 faults, all healed                                        1 min 15 s
      0 of 340 requests failed · 200 writes acknowledged and read back · writers of mongo-data watched
    "
  `)
})
