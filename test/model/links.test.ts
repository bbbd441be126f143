import { expect, test } from 'vitest'
import { conditionsText, linksFrom } from '../../src/model/links.ts'

const NODES = ['mgmt', 'node1', 'node2']
const slow = { rateBits: 1e6, delayMs: undefined, lossPercent: undefined }
const late = { rateBits: undefined, delayMs: 50, lossPercent: 1 }

test('one node: to and from all others; several: between them; the last entry counts', () => {
  expect(linksFrom('node1', NODES, [])).toEqual([])
  expect(linksFrom('node1', NODES, [{ nodes: ['node1'], ...slow }])).toEqual([
    { peer: 'mgmt', ...slow },
    { peer: 'node2', ...slow },
  ])
  expect(linksFrom('node2', NODES, [{ nodes: ['node1'], ...slow }])).toEqual([{ peer: 'node1', ...slow }])
  expect(linksFrom('mgmt', NODES, [{ nodes: ['node1', 'node2'], ...slow }])).toEqual([])
  const both = [
    { nodes: ['node1'], ...slow },
    { nodes: ['node1', 'node2'], ...late },
  ]
  expect(linksFrom('node1', NODES, both)).toEqual([
    { peer: 'mgmt', ...slow },
    { peer: 'node2', ...late },
  ])
})

test('conditions in words', () => {
  expect(conditionsText({ rateBits: 10e6, delayMs: 50, lossPercent: 0.5 })).toBe('10 Mbit/s, 50 ms, 0.5 % lost')
  expect(conditionsText({})).toBe('')
})
