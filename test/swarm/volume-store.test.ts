import { expect, test } from 'vitest'
import { readRecord, recordLabels } from '../../src/model/volume-record.ts'
import { MOVE_PHASES, type VolumeRecord } from '../../src/model/volume.ts'
import type { VolumePolicy } from '../../src/model/volume-policy.ts'
import { configName } from '../../src/swarm/volume-store.ts'
import { idleRecord } from '../volumes/idle-record.ts'

const IDLE = idleRecord({ name: 'shop-db', app: 'shop', service: 'db', owner: 'node1', epoch: 7, base: 'move-6-final' })
const MOVE = { id: 7, run: '123456', source: 'node1', target: 'node2', startedAt: '2026-01-01T00:00:00.000Z' }

test('a record is read from its labels as it was written, in every phase', () => {
  for (const phase of MOVE_PHASES) {
    const record = { ...IDLE, phase, move: phase === 'idle' ? undefined : MOVE }
    expect(readRecord(recordLabels(record))).toEqual(record)
  }
})

test('a record of a volume that no app uses, with a limit and a rollback under way, is read as it was written', () => {
  const rollback = { id: 7, run: '123456', phase: 'stop', snapshot: 'monday', startedAt: MOVE.startedAt } as const
  const record = { ...IDLE, app: '', service: '', limitBytes: 2 ** 31, rollback }
  expect(readRecord(recordLabels(record))).toEqual(record)
})

test.each([
  ['lab.record.owner', '../x'],
  ['lab.record.epoch', '-1'],
  ['lab.record.phase', 'moving'],
  ['lab.record.driver', 'ext4'],
  ['lab.record.move', '{"id":"x"}'],
  ['lab.record.lock-port', ''],
  ['lab.record.limit', '-5'],
  ['lab.record.rollback', '{}'],
  ['lab.record.rollback', '{"id":7,"run":"123456","phase":"stop","snapshot":"monday","startedAt":"x"}'],
])('a record whose %s was changed to %j is refused, naming the label', (key, value) => {
  const labels = { ...recordLabels({ ...IDLE, phase: 'final', move: MOVE }), [key]: value }
  expect(() => readRecord(labels)).toThrow(key)
})

test('names of records fit the swarm, and differ where the names of volumes do', () => {
  const long = 'x'.repeat(62)
  expect(configName('shop-db')).toBe('volume-shop-db')
  expect(configName(`${long}a`)).toHaveLength(64)
  expect(configName(`${long}a`)).not.toBe(configName(`${long}b`))
})

const POLICY: VolumePolicy = {
  replicas: [{ node: 'node2', everyMs: 10_000 }],
  keep: { hourly: 24, daily: 7 },
  hooks: { pre: ['sh', '-c', 'echo "a b" \n'], post: ['true'] },
}

test('a policy and a promotion are read from their labels as they were written', () => {
  const record: VolumeRecord = {
    ...IDLE,
    phase: 'flip',
    move: { ...MOVE, promotes: 'replica-20260101-000000' },
    policy: POLICY,
  }
  expect(readRecord(recordLabels(record))).toEqual(record)
})

test.each([
  ['no object', []],
  ['a node that is none', { ...POLICY, replicas: [{ node: '../x', everyMs: 10_000 }] }],
  ['an interval of nothing', { ...POLICY, replicas: [{ node: 'node2', everyMs: 0 }] }],
  ['a schedule nobody knows', { ...POLICY, keep: { yearly: 1 } }],
  ['half a snapshot', { ...POLICY, keep: { hourly: 0.5 } }],
  ['a hook that is no argument vector', { ...POLICY, hooks: { pre: 'ls' } }],
])('a policy with %s is refused, naming the label', (_, policy) => {
  const labels = { ...recordLabels(IDLE), 'lab.record.policy': JSON.stringify(policy) }
  expect(() => readRecord(labels)).toThrow('lab.record.policy')
})
