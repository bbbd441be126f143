import { expect, test } from 'vitest'
import { DownSince, promotesItself, youngest } from '../../src/volumes/auto-promotion.ts'
import type { VolumeRecord } from '../../src/model/volume.ts'
import { idleRecord } from './idle-record.ts'

const empty = (node: string) => ({ node, everyMs: 1000, ageMs: 50, snapshot: undefined, trouble: undefined })
const replica = (node: string, ageMs: number | undefined) => ({ ...empty(node), ageMs, snapshot: 'replica-1' })

test('a node counts as dead once it was down for long enough without a break', () => {
  const down = new DownSince()
  down.look(new Set(['node1']), 0)
  expect(down.hasBeenFor('node1', 1000, 999)).toBe(false)
  down.look(new Set(['node1']), 1000)
  expect(down.hasBeenFor('node1', 1000, 1000)).toBe(true)
  expect(down.hasBeenFor('node2', 0, 1000)).toBe(false)
  down.look(new Set(), 1100)
  down.look(new Set(['node1']), 1200)
  expect(down.hasBeenFor('node1', 1000, 2100)).toBe(false)
  expect(down.hasBeenFor('node1', 1000, 2200)).toBe(true)
  down.forget('node1')
  down.look(new Set(['node1']), 2300)
  expect(down.hasBeenFor('node1', 1000, 3200)).toBe(false)
})

test('the youngest replica that holds something is promoted', () => {
  expect(youngest([])).toBeUndefined()
  expect(youngest([empty('node2')])).toBeUndefined()
  const replicas = [replica('node1', 900), empty('node2'), replica('node3', 400), replica('node4', undefined)]
  expect(youngest(replicas)).toMatchObject({ node: 'node3' })
  expect(youngest([replica('node4', undefined)])).toMatchObject({ node: 'node4' })
})

test.each<[string, Partial<VolumeRecord>, boolean]>([
  ['that wants it', {}, true],
  ['that does not', { policy: { replicas: [{ node: 'node2', everyMs: 1000 }], keep: {}, hooks: {} } }, false],
  ['without a replica', { policy: { replicas: [], keep: {}, hooks: {}, autoPromote: true } }, false],
  ['in a move', { phase: 'final' }, false],
  [
    'in a rollback',
    { rollback: { id: 1, run: 'a1b2c3', phase: 'stop', snapshot: 'monday', startedAt: '2026-01-01T00:00:00Z' } },
    false,
  ],
])('a volume %s', (_, change, wanted) => {
  const policy = { replicas: [{ node: 'node2', everyMs: 1000 }], keep: {}, hooks: {}, autoPromote: true as const }
  expect(promotesItself(idleRecord({ policy, ...change }))).toBe(wanted)
})
