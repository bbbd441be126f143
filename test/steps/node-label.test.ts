import { expect, test } from 'vitest'
import { nodeLabel } from '../../src/steps/node-label.ts'
import { listed } from './engine-case.ts'
import { consider } from './step-case.ts'

const step = nodeLabel({ node: 'node1', labels: { rack: 'a', former: null } })
const seen = (...nodes: Parameters<typeof listed>[0][]) => consider(step, { 'swarm-nodes': nodes.map(listed) })

test('labels as wanted are nothing to do, whatever else the node is labelled with', async () => {
  expect((await seen({ hostname: 'node1', labels: { rack: 'a', theirs: 'x' } })).changes).toEqual([])
})

test('what differs is set and taken away in one update of the newest entry of that name', async () => {
  const { changes, commands } = await seen(
    { hostname: 'node1', id: 'old', createdAt: '2026-01-01', labels: {} },
    { hostname: 'node1', id: 'new', createdAt: '2026-01-02', labels: { rack: 'b', former: '' } },
  )
  expect(changes).toEqual([
    { path: 'label rack', from: 'b', to: 'a' },
    { path: 'label former', from: '', to: undefined },
  ])
  const options = ['--label-add', 'rack=a', '--label-rm', 'former']
  expect(commands[0]?.argv).toEqual(['docker', 'node', 'update', ...options, 'new'])
})

test('a node that is not listed cannot be judged', async () => {
  await expect(seen({ hostname: 'node2' })).rejects.toThrow('the swarm lists no node node1')
})

test("lab's own labels are refused", () => {
  expect(() => nodeLabel({ node: 'node1', labels: { 'lab.volume.data': 'here' } })).toThrow("lab's own")
  expect(() => nodeLabel({ node: 'node1', labels: { '--force': 'x' } })).toThrow('not a label')
})
