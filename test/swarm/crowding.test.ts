import { expect, test } from 'vitest'
import { crowdedServices } from '../../src/swarm/crowding.ts'
import { aNode, aService, aTask } from './swarm-objects.ts'

const nodes = [aNode('node1'), aNode('node2')]

test('a service whose tasks have come together on one node is named', () => {
  const tasks = [aTask({ slot: 1 }), aTask({ slot: 2 })]
  expect(crowdedServices([aService({ replicas: 2 })], tasks, nodes)).toEqual([
    { service: 'web', tasks: 2, node: 'node1' },
  ])
})

test.each([
  ['spread over two', [aTask({ slot: 1 }), aTask({ slot: 2, node: 'node2' })], nodes],
  ['of one task', [aTask()], nodes],
  ['without tasks', [], nodes],
  [
    'that has nowhere else to go',
    [aTask({ slot: 1 }), aTask({ slot: 2 })],
    [aNode('node1'), aNode('node2', { state: 'down' })],
  ],
  ['whose other task was given up', [aTask(), aTask({ slot: 2, desired: 'shutdown', state: 'shutdown' })], nodes],
])('a service %s is not', (_, tasks, among) => {
  expect(crowdedServices([aService({ replicas: 2 })], tasks, among)).toEqual([])
})
