import { expect, test } from 'vitest'
import { isConsistent, serviceNames } from '../../src/workflows/dns.ts'
import { aService, aTask } from '../swarm/swarm-objects.ts'

test('both names of a service stand for its healthy tasks, and for no others', () => {
  const good = aTask({ slot: 1 })
  const tasks = [
    good,
    aTask({ slot: 2, state: 'starting' }),
    aTask({ slot: 3, desired: 'shutdown' }),
    aTask({ id: 'other' }),
  ]
  expect([...serviceNames([aService()], tasks)]).toEqual([
    ['web', [good.address]],
    ['web.lab.local', [good.address]],
  ])
})

test('a name is consistent when every node that was asked knows exactly its addresses', () => {
  const name = { name: 'web', expected: ['10.0.0.1', '10.0.0.2'] }
  expect(isConsistent({ ...name, seen: { node1: ['10.0.0.2', '10.0.0.1'], node2: undefined } })).toBe(true)
  expect(isConsistent({ ...name, seen: { node1: ['10.0.0.1', '10.0.0.2'], node2: ['10.0.0.1'] } })).toBe(false)
})
