import { describe, expect, test } from 'vitest'
import { aNode } from '../swarm/swarm-objects.ts'
import {
  indispensable,
  leavingOrder,
  lostMajority,
  votersOf,
  type Voter,
} from '../../src/workflows/manager-majority.ts'

/** Managers m1, m2, ... of which those with these numbers are dead. */
const managers = (count: number, ...dead: readonly number[]): readonly Voter[] =>
  Array.from({ length: count }, (_, at) => ({ name: `m${String(at + 1)}`, answers: !dead.includes(at + 1) }))

test.each<[string, readonly Voter[], readonly string[], string | undefined]>([
  ['one of three', managers(3), ['m1'], undefined],
  ['the dead one of three', managers(3, 3), ['m3'], undefined],
  ['a living one of three of which one is dead', managers(3, 3), ['m1'], 'm1 m3'],
  ['that one, once the dead one goes with it', managers(3, 3), ['m1', 'm3'], undefined],
  ['two of three, one after the other', managers(3), ['m1', 'm2'], undefined],
  ['one of two', managers(2), ['m1'], undefined],
  ['a living one of five of which one is dead', managers(5, 5), ['m1'], undefined],
  ['two of those', managers(5, 5), ['m1', 'm2'], undefined],
  ['three of those', managers(5, 5), ['m1', 'm2', 'm3'], 'm3 m5'],
  ['a living one of five of which two are dead', managers(5, 4, 5), ['m1'], 'm1 m4 m5'],
  ['one of the dead ones', managers(5, 4, 5), ['m4'], undefined],
  ['the last one', managers(1), ['m1'], 'm1'],
  ['a worker, whatever the managers are like', managers(3, 2, 3), ['w1'], undefined],
])('of the managers %s goes, or not', (_, voters, leaving, missed) => {
  const found = indispensable(voters, leavingOrder(voters, leaving))
  expect(found && [found.name, ...found.lost].join(' ')).toBe(missed)
})

test('a machine that was made anew is there twice, and its dead former life goes first', () => {
  const twice: readonly Voter[] = [...managers(3), { name: 'm3', answers: false }]
  expect(indispensable(twice, ['m3'])).toBeUndefined()
  expect(indispensable(twice, ['m1', 'm2'])).toEqual({ name: 'm2', lost: ['m3'] })
})

describe('who has to agree', () => {
  const running = ['m1', 'm2', 'm3', 'w1'].map((name) => ({ name, state: 'running' as const }))
  test('are managers; one answers that is reached, up and has a machine that runs', () => {
    const members = [
      aNode('m1', { manages: 'reachable' }),
      aNode('m2', { manages: 'unreachable' }),
      aNode('m3', { manages: 'reachable', state: 'down' }),
      aNode('w1'),
    ]
    const answering = (machines: Parameters<typeof votersOf>[1]) =>
      votersOf(members, machines).flatMap(({ name, answers }) => (answers ? [name] : []))
    expect(votersOf(members, running).map(({ name }) => name)).toEqual(['m1', 'm2', 'm3'])
    expect(answering(running)).toEqual(['m1'])
    expect(answering(running.map((machine) => ({ ...machine, paused: true })))).toEqual([])
    expect(answering([])).toEqual([])
  })
})

test('the refusal names the dead one and what to type', () => {
  const error = lostMajority({ name: 'm1', lost: ['m3'] })
  expect(error.message).toBe('without m1 the managers would have no majority: m3 does not answer')
  expect(error.hint).toContain('lab node replace m3')
})
