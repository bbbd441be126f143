import { expect, test } from 'vitest'
import { swarmNode } from '../../src/steps/swarm-node.ts'
import { listed } from './engine-case.ts'
import { consider } from './step-case.ts'

const labels = { 'lab.role.worker': 'true', rack: 'a' }
const step = swarmNode({ name: 'node1', labels })
const seen = (...nodes: Parameters<typeof listed>[0][]) => consider(step, { 'swarm-nodes': nodes.map(listed) })

test('listed once, active and labelled is nothing to do, whatever else it is labelled with', async () => {
  const own = { ...labels, 'lab.volume.mongo-data': 'here', theirs: 'x' }
  expect((await seen({ hostname: 'node1', labels: own }, { hostname: 'node2' })).changes).toEqual([])
})

test('labels are added and roles it no longer has are taken away, in one update of that very entry', async () => {
  const { changes, commands } = await seen({ hostname: 'node1', labels: { rack: 'b', 'lab.role.edge': 'true' } })
  expect(changes).toEqual([
    { path: 'label lab.role.worker', from: undefined, to: 'true' },
    { path: 'label rack', from: 'b', to: 'a' },
    { path: 'label lab.role.edge', from: 'true', to: undefined },
  ])
  const options = ['--label-add', 'lab.role.worker=true', '--label-add', 'rack=a', '--label-rm', 'lab.role.edge']
  expect(commands.map(({ argv }) => argv)).toEqual([['docker', 'node', 'update', ...options, 'id-of-node1']])
})

test('a drained node takes tasks again: containers cannot join an overlay there', async () => {
  const { changes } = await seen({ hostname: 'node1', labels, availability: 'drain' })
  expect(changes).toEqual([{ path: 'availability', from: 'drain', to: 'active' }])
})

test('a node drained by "lab node drain" stays drained, and is drained again where somebody else activated it', async () => {
  const byHand = { ...labels, 'lab.drained': 'by-hand' }
  expect((await seen({ hostname: 'node1', labels: byHand, availability: 'drain' })).changes).toEqual([])
  const { changes, commands } = await seen({ hostname: 'node1', labels: byHand, availability: 'active' })
  expect(changes).toEqual([{ path: 'availability', from: 'active', to: 'drain' }])
  expect(commands[0]?.argv).toEqual(['docker', 'node', 'update', '--availability', 'drain', 'id-of-node1'])
})

test('of several entries of a name the newest is the node, and the others go, also while they still look ready', async () => {
  const { changes, commands } = await seen(
    { hostname: 'node1', id: 'old', createdAt: '2026-01-01T10:00:00Z', labels },
    { hostname: 'node1', id: 'new', createdAt: '2026-01-01T11:00:00Z', labels },
  )
  expect(changes).toEqual([{ path: 'entry old', from: 'ready', to: undefined }])
  expect(commands.map(({ argv }) => argv)).toEqual([['docker', 'node', 'rm', '--force', 'old']])
})

test('a node that has just joined is waited for and labelled', async () => {
  const { changes, commands } = await seen({ hostname: 'node2' })
  expect(changes).toEqual([{ path: 'listed', from: undefined, to: 'node1' }])
  expect(commands[0]?.argv.slice(3)).toEqual([
    'update',
    'node1',
    '--label-add',
    'lab.role.worker=true',
    '--label-add',
    'rack=a',
  ])
})

test('a name that is none is refused before it reaches a command', () => {
  expect(() => swarmNode({ name: '--force', labels: {} })).toThrow('not a node name')
})
