import { expect, test } from 'vitest'
import { evacuationTargets, noTarget } from '../../src/workflows/evacuation-targets.ts'
import { aNode } from '../swarm/swarm-objects.ts'

const workers = ['n1', 'n2', 'n3']

test('volumes go to workers that take tasks and do not go themselves', () => {
  const members = [aNode('n1'), aNode('n2'), aNode('n3', { drained: true }), aNode('mgmt')]
  expect(evacuationTargets(workers, members, ['n1'])).toEqual(['n2'])
  expect(evacuationTargets(workers, members, ['n1', 'n2'])).toEqual([])
})

test.each([
  ['drained', [aNode('n1'), aNode('n2', { drained: true })], ['n1', 'n2'], 'lab node activate n2'],
  ['down', [aNode('n1'), aNode('n2', { state: 'down' })], ['n1', 'n2'], 'lab node start n2'],
  [
    'not there yet: renamed',
    [aNode('n1')],
    ['n2'],
    'with n1 in lab.yml, "lab up" makes n2 first: take n1 out only then',
  ],
  ['none', [aNode('n1')], ['n1'], 'lab node add NAME makes another worker'],
])('where the only other worker is %s, what to type is said', (_, members, all, hint) => {
  const error = noTarget('n1', all, members, ['n1'])
  expect(error.code).toBe('NO_TARGET')
  expect(error.hint).toBe(hint)
})
