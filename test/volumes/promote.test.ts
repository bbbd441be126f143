import { expect, test } from 'vitest'
import type { LocalSnapshot, VolumeRecord } from '../../src/model/volume.ts'
import { nextAction } from '../../src/volumes/move/next-action.ts'
import { ageText, promotionCandidate } from '../../src/volumes/promote.ts'
import { absentVolume } from '../../src/volumes/node-volumes.ts'
import { idleRecord } from './idle-record.ts'

const RECORD = idleRecord({ epoch: 4 })
const MOVE = { id: 4, run: 'r', source: 'a', target: 'b', startedAt: '2026-11-21T17:00:00Z' }
const snapshot = (name: string, createdAt?: string): LocalSnapshot => ({ name, identity: name, createdAt })
const has = (...snapshots: LocalSnapshot[]) => ({ snapshots })

test('the newest replica is promoted, and its age is what its node says, whatever the clocks that named it said', () => {
  for (const newest of ['replica-20261121-180000', 'replica-20261121-190000', 'replica-20261121-170000']) {
    const found = has(snapshot('replica-20261121-165900'), snapshot(newest), snapshot('daily-20261121'))
    const candidate = promotionCandidate(RECORD, 'b', found, { snapshot: newest, ageMs: 30_000 })
    expect(candidate).toEqual({ snapshot: newest, complete: false, ageMs: 30_000 })
  }
})

test('nobody knows the age of a replica of which its node says nothing', () => {
  const found = has(snapshot('replica-20261121-180000'))
  const old = { snapshot: 'replica-20261121-170000', ageMs: 5 }
  for (const arrived of [undefined, old]) {
    expect(promotionCandidate(RECORD, 'b', found, arrived)).toMatchObject({ ageMs: undefined, complete: false })
  }
})

test('what a move handed over before its source died is complete, on its target and in its last phase only', () => {
  const found = has(snapshot('replica-20261121-180000'), snapshot('move-4-final'))
  const moving: VolumeRecord = { ...RECORD, phase: 'final', move: MOVE }
  expect(promotionCandidate(moving, 'b', found, undefined)).toMatchObject({ snapshot: 'move-4-final', complete: true })
  expect(promotionCandidate(moving, 'c', found, undefined)?.complete).toBe(false)
  expect(promotionCandidate({ ...moving, phase: 'quiesce' }, 'b', found, undefined)?.complete).toBe(false)
})

test('a node without a replica has nothing to promote', () => {
  expect(
    promotionCandidate(RECORD, 'b', has(snapshot('daily-20261121'), snapshot('move-3-final')), undefined),
  ).toBeUndefined()
})

test('ages read well', () => {
  expect([undefined, 12_000, 600_000, 86_400_000].map(ageText)).toEqual([
    'of unknown age',
    '12 s old',
    '10 min old',
    '24 h old',
  ])
})

test('a promotion grants the replica, places the service, and leaves what the dead owner has for later', () => {
  const promoting: VolumeRecord = {
    ...RECORD,
    owner: 'b',
    epoch: 5,
    phase: 'flip',
    move: { ...MOVE, promotes: 'replica-20261121-180000' },
  }
  const target = { ...absentVolume('data'), snapshots: [snapshot('replica-20261121-180000')] }
  const at = (record: VolumeRecord, seen: Partial<Parameters<typeof nextAction>[1]>) =>
    nextAction(record, { source: undefined, target, placed: [], ...seen }, 'finish')
  expect(at(promoting, {})).toEqual({ do: 'grant' })
  expect(at(promoting, { target: absentVolume('data') })).toMatchObject({ do: 'blocked', why: 'no-data' })
  const serving = { ...target, live: 'writable' as const, served: true, leaseEpoch: 5 }
  expect(at(promoting, { target: serving })).toEqual({ do: 'advance', to: 'start' })
  expect(at({ ...promoting, phase: 'start' }, { target: serving, placed: ['a'] })).toEqual({ do: 'place' })
  // The dead owner may be back by now, with a copy that holds what was never sent.
  const back = { ...absentVolume('data'), live: 'writable' as const, leaseEpoch: 4 }
  expect(at({ ...promoting, phase: 'demote' }, { target: serving, source: back })).toEqual({ do: 'collect' })
})
