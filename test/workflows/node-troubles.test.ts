import { describe, expect, test } from 'vitest'
import type { NodeHealth } from '../../src/facts/node-health.ts'
import type { Machine } from '../../src/model/provider.ts'
import { nodeCheck } from '../../src/workflows/lab-checks.ts'
import { managerTroubles, nodeTroubles, type NodeView } from '../../src/workflows/node-troubles.ts'
import { aNode } from '../swarm/swarm-objects.ts'

const machine: Machine = { name: 'node2', state: 'running', address: '10.0.0.13', ssh: undefined, specDigest: '' }
const GIB = 2 ** 30
const disk = { path: '/', totalBytes: 100 * GIB, availableBytes: 50 * GIB }
const health: NodeHealth = { timeMs: 0, engine: 'active', cutOffFrom: [], disks: [disk] }
const well: NodeView = { name: 'node2', machine, health, aheadMs: 0 }
const members = [aNode('mgmt'), aNode('node2')]

describe('what is wrong with a node', () => {
  test('is nothing where all is well, whether or not a manager answers', () => {
    expect(nodeTroubles(well, members)).toEqual([])
    expect(nodeTroubles(well, undefined)).toEqual([])
    expect(nodeCheck(well, members)).toEqual({ name: 'node node2', ok: true, detail: 'answers' })
  })

  const full = { ...disk, availableBytes: 10 * 2 ** 20 }
  test.each<[string, NodeView, RegExp, string]>([
    ['missing', { name: 'node2', machine: undefined }, /does not exist yet/, 'lab up'],
    ['off', { name: 'node2', machine: { ...machine, state: 'stopped' } }, /is off/, 'lab node start node2'],
    ['paused', { name: 'node2', machine: { ...machine, paused: true } }, /is paused/, 'lab node heal node2'],
    [
      'silent',
      { name: 'node2', machine, silence: { text: 'refused', hint: 'systemctl status ssh' } },
      /runs and does not answer: refused/,
      'systemctl status ssh',
    ],
    [
      'cut off',
      { ...well, health: { ...health, cutOffFrom: ['mgmt', 'node1'] } },
      /cut off from mgmt, node1/,
      'heal node2',
    ],
    ['without engine', { ...well, health: { ...health, engine: 'failed' } }, /engine of node2 does not run/, 'lab up'],
    [
      'full',
      { ...well, health: { ...health, disks: [full] } },
      /disk of node2 is full: 10 MiB left below \//,
      'make room',
    ],
    [
      'without room for volumes',
      { ...well, health: { ...health, disks: [{ ...full, path: '/var/lib/lab/pool' }] } },
      /pool of volumes on node2 is full: 10 MiB left/,
      'lab volume move --evacuate node2',
    ],
    ['ahead', { ...well, aheadMs: 90_000 }, /clock of node2 is 90 s ahead of/, 'timedatectl'],
    ['behind', { ...well, aheadMs: -3000 }, /clock of node2 is 3 s behind/, 'timedatectl'],
  ])('%s: says so, and what to type', (_name, view, text, hint) => {
    const [found, ...others] = nodeTroubles(view, members)
    expect(others).toEqual([])
    expect(found?.text).toMatch(text)
    expect(found?.hint).toContain(hint)
    expect(nodeCheck(view, members)).toMatchObject({ ok: false })
  })

  test('is that it is drained by hand', () => {
    const drained = aNode('node2', { labels: { 'lab.drained': 'by-hand' } })
    expect(nodeTroubles(well, [drained])).toMatchObject([{ hint: 'lab node activate node2' }])
  })

  test('is that the swarm lost it, unless why it did stands there already', () => {
    const down = [aNode('node2', { state: 'down' })]
    expect(nodeTroubles(well, down)[0]?.text).toBe('the swarm has lost sight of node2 (down)')
    expect(nodeTroubles({ ...well, health: { ...health, cutOffFrom: ['mgmt'] } }, down)).toHaveLength(1)
    expect(nodeTroubles(well, [aNode('mgmt')])[0]?.text).toBe('node2 is not in the swarm')
  })
})

describe('managers', () => {
  const manager = (name: string, state: 'ready' | 'down') => ({ ...aNode(name, { state }), role: 'manager' as const })
  test('that all answer, or of which enough do, are no trouble', () => {
    expect(managerTroubles(['a', 'b', 'c'], [manager('a', 'ready'), manager('b', 'ready')])).toEqual([])
    const five = ['a', 'b', 'c', 'd'].map((name) => manager(name, 'ready'))
    expect(managerTroubles(['a', 'b', 'c', 'd', 'e'], [...five, manager('e', 'down')])).toEqual([])
  })

  test('are one loss from standing still, or stand still', () => {
    const three = [manager('a', 'ready'), manager('b', 'ready'), manager('c', 'down')]
    expect(managerTroubles(['a', 'b', 'c'], three)[0]).toContain('one more manager lost')
    expect(managerTroubles(['a', 'b', 'c'], undefined)[0]).toContain('more than half')
    expect(managerTroubles(['a'], undefined)).toEqual([])
  })
})
