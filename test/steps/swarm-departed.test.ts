import { expect, test } from 'vitest'
import { swarmDeparted } from '../../src/steps/swarm-departed.ts'
import { listed } from './engine-case.ts'
import { consider } from './step-case.ts'

const step = swarmDeparted({ keep: ['mgmt', 'node1'] })

test('a node of the lab stays listed while it is down', async () => {
  const nodes = [listed({ hostname: 'mgmt', role: 'manager' }), listed({ hostname: 'node1', state: 'down' })]
  expect((await consider(step, { 'swarm-nodes': nodes })).changes).toEqual([])
})

test('a node that left the lab goes when it is down, and only then', async () => {
  const nodes = [
    listed({ hostname: 'node8', state: 'ready' }),
    listed({ hostname: 'node9', state: 'down' }),
    listed({ hostname: 'mgmt2', state: 'down', role: 'manager' }),
  ]
  const { changes, commands } = await consider(step, { 'swarm-nodes': nodes })
  expect(changes.map(({ path }) => path)).toEqual(['node9', 'mgmt2'])
  expect(commands[0]?.argv).toEqual(['docker', 'node', 'rm', '--force', 'id-of-node9'])
  // A manager is one more vote to be won until it is demoted.
  expect(commands[1]?.argv[2]).toMatch(/^docker node demote .*; docker node rm/)
})
