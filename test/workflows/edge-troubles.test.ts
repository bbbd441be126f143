import { expect, test } from 'vitest'
import { missingTexts } from '../../src/workflows/edge.ts'
import { edgeTroubles } from '../../src/workflows/edge-troubles.ts'
import type { NodeView } from '../../src/workflows/node-troubles.ts'

const EDGES = ['gate1', 'gate2', 'gate3']
const says = (name: string, edge: string): NodeView => ({
  name,
  machine: undefined,
  health: { timeMs: 0, engine: 'active', cutOffFrom: [], disks: [], edge },
})
const off = (name: string): NodeView => ({ name, machine: undefined })
const silent = (name: string): NodeView => ({ ...off(name), silence: { text: 'no answer', hint: undefined } })

test('nothing is said while every edge answers', () => {
  expect(edgeTroubles(EDGES, [says('gate1', '200'), says('gate2', '200'), says('gate3', '200')])).toEqual([])
})

test('it is said how many are left', () => {
  expect(edgeTroubles(EDGES, [off('gate1'), says('gate2', '200'), says('gate3', '200')])).toEqual([
    'gate2 and gate3 answer for all edges: gate1 is away (lab up)',
  ])
  expect(edgeTroubles(EDGES, [off('gate1'), off('gate2'), says('gate3', '200')])).toEqual([
    'gate3 is the last edge that answers (gate1, gate2 away): one more lost and no URL does (lab up)',
  ])
  expect(edgeTroubles(EDGES, EDGES.map(off))[0]).toMatch(/^all edges are away \(gate1, gate2, gate3\): no URL/)
  expect(edgeTroubles(['mgmt'], [off('mgmt')])[0]).toMatch(/^the edge is away \(mgmt\)/)
})

test('an edge that is dead on a node that lives is named, and so is one that reaches no task', () => {
  expect(edgeTroubles(EDGES, [says('gate1', '000'), says('gate2', '503'), says('gate3', '200')])).toEqual([
    'the edge on gate1 does not answer (lab up)',
    'the edge on gate2 reaches no task, and others do: clients are led to those',
    'gate2 and gate3 answer for all edges: gate1 is away (lab up)',
  ])
})

test('where no edge reaches a task, no task runs, which is not the matter of one edge', () => {
  expect(edgeTroubles(['gate1', 'gate2'], [says('gate1', '503'), says('gate2', '503')])).toEqual([])
})

test('of a node that only does not answer SSH nothing is claimed', () => {
  expect(edgeTroubles(EDGES, [silent('gate1'), says('gate2', '200'), says('gate3', '200')])).toEqual([])
  expect(edgeTroubles(['mgmt'], [silent('mgmt')])).toEqual([])
})

test('a service that some edges do not reach is a matter of those edges, else of the service', () => {
  const missing = (edge: string) => ({ edge, service: 'web', target: 3000 })
  expect(missingTexts([missing('gate1')], 3)).toEqual([
    'gate1 does not reach all tasks of web, and other edges do: lab doctor',
  ])
  expect(missingTexts([missing('gate1'), missing('gate2')], 2)).toEqual([
    'the edge does not reach all tasks of web: does it listen on port 3000, and not on 127.0.0.1 only?',
  ])
})
