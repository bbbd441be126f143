import { expect, test } from 'vitest'
import type { LocalSnapshot, VolumeRecord } from '../../src/model/volume.ts'
import { nextAction } from '../../src/volumes/move/next-action.ts'
import { acceptCandidate, ageText, promotionCandidate, type PromotionCandidate } from '../../src/volumes/promote.ts'
import { absentVolume } from '../../src/volumes/node-volumes.ts'
import { idleRecord } from './idle-record.ts'

const on = (...nodes: string[]) => ({
  policy: { replicas: nodes.map((node) => ({ node, everyMs: 1000 })), keep: {}, hooks: {} },
})
const RECORD = idleRecord({ epoch: 4, ...on('b', 'c') })
const MOVE = { id: 4, run: 'r', source: 'a', target: 'b', startedAt: '2026-11-21T17:00:00Z' }
const snapshot = (name: string, createdAt?: string): LocalSnapshot => ({ name, identity: name, createdAt })
const attempt = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}
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

test('what an ended replica left on a node is not promoted, but what a move handed over to it is', () => {
  const found = has(snapshot('replica-20261121-180000'), snapshot('move-4-final'))
  for (const record of [idleRecord({ epoch: 4 }), idleRecord({ epoch: 4, ...on('c') })]) {
    expect(promotionCandidate(record, 'b', found, undefined)).toBeUndefined()
    const moving: VolumeRecord = { ...record, phase: 'final', move: MOVE }
    expect(promotionCandidate(moving, 'b', found, undefined)).toMatchObject({ complete: true })
  }
})

test('without a candidate it is said what to type, and a loss must be accepted', () => {
  const accept = (record: VolumeRecord, candidate: PromotionCandidate | undefined, acceptLoss = false) =>
    attempt(() => acceptCandidate(record, 'b', candidate, acceptLoss))
  const replica = { snapshot: 'replica-1', complete: false, ageMs: 12_000 }
  expect(accept(idleRecord(on('c')), undefined)).toMatchObject({
    code: 'NO_REPLICA',
    hint: 'lab volume promote data c',
  })
  expect(accept(idleRecord(), undefined, true)).toMatchObject({
    code: 'NO_REPLICA',
    hint: expect.stringContaining('lab up') as string,
  })
  expect(accept(RECORD, replica)).toMatchObject({
    code: 'MAY_LOSE_WRITES',
    hint: expect.stringContaining('lab volume promote data b --accept-loss') as string,
  })
  expect(accept(RECORD, replica, true)).toBe(replica)
  const whole = { ...replica, complete: true }
  expect(accept(RECORD, whole)).toBe(whole)
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
  expect(at(promoting, {})).toEqual({ do: 'grant', from: 'replica-20261121-180000' })
  expect(at(promoting, { target: absentVolume('data') })).toMatchObject({ do: 'blocked', why: 'no-data' })
  const serving = { ...target, live: 'writable' as const, served: true, leaseEpoch: 5 }
  expect(at(promoting, { target: serving })).toEqual({ do: 'advance', to: 'start' })
  expect(at({ ...promoting, phase: 'start' }, { target: serving, placed: ['a'] })).toEqual({ do: 'place' })
  // The dead owner may be back by now, with a copy that holds what was never sent.
  const back = { ...absentVolume('data'), live: 'writable' as const, leaseEpoch: 4 }
  expect(at({ ...promoting, phase: 'demote' }, { target: serving, source: back })).toEqual({ do: 'collect' })
})

test('a replica that took the place of the one to be promoted is granted instead, an older one never', () => {
  const from = (promotes: string, ...there: string[]) => {
    const promoting = idleRecord({ owner: 'b', epoch: 5, phase: 'flip', move: { ...MOVE, promotes } })
    const target = { ...absentVolume('data'), snapshots: there.map((name) => snapshot(name)) }
    return nextAction(promoting, { source: undefined, target, placed: [] }, 'finish')
  }
  const [older, wanted, newer] = ['replica-20261121-175959', 'replica-20261121-180000', 'replica-20261121-180010']
  expect(from(wanted, 'daily-20261121', newer, 'orphan-3')).toEqual({ do: 'grant', from: newer })
  expect(from(wanted, wanted, newer)).toEqual({ do: 'grant', from: wanted })
  expect(from(wanted, older, 'orphan-3', 'zzz')).toMatchObject({ do: 'blocked', why: 'no-data' })
  expect(from('move-4-final', newer)).toMatchObject({ do: 'blocked', why: 'no-data' })
})
