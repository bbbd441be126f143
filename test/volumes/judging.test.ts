import { expect, test } from 'vitest'
import { judgeAttempts } from '../../src/chaos/numbered-client.ts'
import { holdsOf, overlaps } from '../../src/volumes/writer-watch.ts'
import { acknowledged } from '../e2e/numbered-clients.ts'
import { planMoves } from '../e2e/moves-under-load.ts'
import { judgeRecords } from '../e2e/witness-records.ts'

// What judges a move must itself be able to say no.
const sound = '1 x 10.0\n2 x 10.1\n3 y 12.0\n4 y 12.1\n'
const seen = [
  { node: 'a', number: 2, task: 'x', at: 10.2 },
  { node: 'b', number: 4, task: 'y', at: 12.2 },
]

test('records of writers that follow one another are sound', () => {
  expect(judgeRecords(sound, seen)).toEqual({ records: 4, writers: 2, faults: [] })
})

test.each([
  ['two writers in turns', '1 x 10.0\n2 y 10.1\n3 x 10.2\n4 y 10.3\n', /writes again/],
  ['a copy that lacks the last records', '1 x 10.0\n2 y 12.0\n3 y 12.1\n4 y 12.2\n', /2 of x was on a and is lost/],
  ['a number twice', '1 x 10.0\n2 x 10.1\n2 x 10.2\n3 y 12.0\n4 y 12.1\n', /comes after/],
  ['a record cut short', '1 x 10.0\n2 x 10.1\n3 y 12.0\n4 y\n', /not a record/],
  ['a time that runs back', '1 x 10.0\n2 x 10.1\n3 y 9.0\n4 y 12.1\n', /was written before/],
])('%s is found', (_, text, fault) => {
  expect(judgeRecords(text, seen).faults.join('\n')).toMatch(fault)
})

test('nodes that could write at the same time are found, one after the other are not', () => {
  const first = { node: 'a', from: 1, to: 5 }
  expect(overlaps([first, { node: 'b', from: 6, to: 9 }, { node: 'a', from: 10, to: 11 }])).toEqual([])
  expect(overlaps([{ node: 'b', from: 4, to: 9 }, first])).toHaveLength(1)
  expect(overlaps([first, { node: 'b', from: 2, to: 3 }, { node: 'c', from: 8, to: 9 }])).toHaveLength(1)
})

test('a node holds a volume while it may write, and not while it stood still', () => {
  const line = (at: number, served: string, state = 'writable', containers = 0) =>
    `${String(at)}.5 data ${served} ${state} 3 ${String(containers)} `
  const lines = [line(1, 'yes'), '1.6', line(2, 'no', 'writable', 1), line(9, 'yes'), line(10, 'no'), 'cut sh']
  expect(holdsOf('a', lines).get('data')).toEqual([
    { node: 'a', from: 1.5, to: 2.5 },
    { node: 'a', from: 9.5, to: 9.5 },
  ])
  expect(holdsOf('a', [line(1, 'yes', 'frozen')]).get('data')).toBeUndefined()
  expect(holdsOf('a', [line(5, 'yes')], 2000).get('data')).toEqual([{ node: 'a', from: 3.5, to: 3.5 }])
})

test('an attempt that was acknowledged and is gone, or is there twice, is found', () => {
  expect(
    judgeAttempts(
      new Set(['1.1', '2.1']),
      new Map([
        ['1.1', 1],
        ['2.1', 1],
        ['2.2', 1],
      ]),
    ),
  ).toEqual([])
  expect(
    judgeAttempts(
      new Set(['1.1', '2.2']),
      new Map([
        ['1.1', 2],
        ['2.1', 1],
      ]),
    ),
  ).toHaveLength(2)
})

test('a seed decides the moves, their order and their faults', () => {
  const plan = planMoves(50, 7, ['cli', 'source'], 40)
  expect(planMoves(50, 7, ['cli', 'source'], 40)).toEqual(plan)
  expect(planMoves(50, 8, ['cli', 'source'], 40)).not.toEqual(plan)
  expect(new Set(plan.map(({ fault }) => fault))).toEqual(new Set([undefined, 'cli', 'source']))
})

test('only what says that a record is kept acknowledges it, not what an engine prints of its own trouble', () => {
  expect(acknowledged('kept 12.1.3')).toBe('12.1.3')
  expect(acknowledged('OCI runtime exec failed: exec failed: exit status 1: unknown')).toBeUndefined()
  expect(acknowledged('kept 12.1')).toBeUndefined()
})
