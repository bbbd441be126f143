import { expect, test } from 'vitest'
import { unseenNodes } from '../../src/workflows/wait-members.ts'
import { aNode } from '../swarm/swarm-objects.ts'

const leader = aNode('m1', { manages: 'reachable', leads: true })

test('a node is seen once the swarm lists it as ready, under whichever entry', () => {
  const members = [leader, aNode('m2', { state: 'unknown' }), aNode('w1', { state: 'down' }), aNode('w1')]
  expect(unseenNodes(['m1', 'm2', 'w1', 'w2'], members)).toEqual(['m2', 'w2'])
})

test('nobody is seen while no manager leads', () => {
  expect(unseenNodes(['m1', 'w1'], [aNode('m1', { manages: 'reachable' }), aNode('w1')])).toEqual(['m1', 'w1'])
})
