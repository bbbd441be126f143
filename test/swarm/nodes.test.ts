import { describe, expect, test } from 'vitest'
import { mergeLabels, nodeNamed } from '../../src/swarm/nodes.ts'
import { nodeFits, unmetConstraints } from '../../src/swarm/placement.ts'
import { swarmPart } from '../../src/swarm/standing.ts'
import { aNode } from './swarm-objects.ts'

describe('labels of a node', () => {
  test('are merged into those that are there, and taken away by undefined', () => {
    expect(mergeLabels({ a: '1', b: '2' }, { b: undefined, c: '3' })).toEqual({ a: '1', c: '3' })
  })

  test('need no update when they are as wanted', () => {
    expect(mergeLabels({ a: '1' }, { a: '1', gone: undefined })).toBeUndefined()
  })
})

test('of two members with one name the one that is there counts', () => {
  const members = [aNode('node1', { state: 'down' }), { ...aNode('node1'), id: 'new' }]
  expect(nodeNamed(members, 'node1').id).toBe('new')
  expect(swarmPart(members, 'node1')).toBe('worker')
  expect(swarmPart([aNode('node1', { state: 'down' })], 'node1')).toBe('down')
  expect(swarmPart([], 'node1')).toBe('left')
})

test('an unknown member is refused with the near name', () => {
  expect(() => nodeNamed([aNode('node1')], 'nod1')).toThrow(/unknown node of the swarm "nod1"/)
})

describe('placement', () => {
  const node = aNode('node1', { labels: { disk: 'SSD' } })

  test.each([
    ['node.hostname==node1', true],
    ['node.hostname!=node1', false],
    ['node.labels.disk == ssd', true],
    ['node.labels.disk!=ssd', false],
    ['node.labels.missing==x', false],
    ['node.labels.missing!=x', true],
    ['node.role==manager', false],
  ])('reads %s as the scheduler does', (constraint, fits) => {
    expect(nodeFits(node, [constraint])).toBe(fits)
  })

  test('tells the constraints that nobody meets from those that somebody does', () => {
    const nodes = [node, aNode('node2', { state: 'down', labels: { gpu: 'yes' } })]
    expect(unmetConstraints(nodes, ['node.labels.disk==ssd', 'node.labels.gpu==yes'])).toEqual(['node.labels.gpu==yes'])
  })
})
