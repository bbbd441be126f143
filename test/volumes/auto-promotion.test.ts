import { expect, test } from 'vitest'
import { DownSince, promotesItself, youngest } from '../../src/volumes/auto-promotion.ts'
import type { VolumeRecord } from '../../src/model/volume.ts'
import { idleRecord } from './idle-record.ts'

const empty = (node: string) => ({ node, everyMs: 1000, ageMs: 50, snapshot: undefined, trouble: undefined })
const replica = (node: string, ageMs: number | undefined) => ({ ...empty(node), ageMs, snapshot: 'replica-1' })

test('a node counts as dead once it was down for long enough without a break', () => {
  const down = new DownSince()
  const isDue = (owner: string, forMs: number, now: number) => down.takeDue([{ owner }], forMs, now).length > 0
  down.look(new Set(['node1']), 0)
  expect(isDue('node1', 1000, 999)).toBe(false)
  expect(isDue('node2', 0, 1000)).toBe(false)
  down.look(new Set(), 1100)
  down.look(new Set(['node1']), 1200)
  expect(isDue('node1', 1000, 2100)).toBe(false)
  down.look(new Set(['node1']), 2200)
  expect(isDue('node1', 1000, 2200)).toBe(true)
})

test('all volumes of a dead node are due at once, and again that much later', () => {
  const down = new DownSince()
  const records = [idleRecord({ name: 'x' }), idleRecord({ name: 'y', owner: 'b' }), idleRecord({ name: 'z' })]
  const due = (now: number) => down.takeDue(records, 1000, now).map(({ name }) => name)
  down.look(new Set(['a']), 0)
  expect(due(1000)).toEqual(['x', 'z'])
  expect(due(1001)).toEqual([])
  down.look(new Set(['a']), 2000)
  expect(due(2999)).toEqual([])
  expect(due(3000)).toEqual(['x', 'z'])
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
