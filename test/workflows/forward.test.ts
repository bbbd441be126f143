import { describe, expect, it } from 'vitest'
import type { TaskView } from '../../src/swarm/tasks.ts'
import { forwardTargets } from '../../src/workflows/forward.ts'

const task = (rest: Partial<TaskView>): TaskView => ({
  id: 't',
  serviceId: 's',
  slot: 1,
  nodeId: 'n',
  node: 'node1',
  state: 'running',
  desiredState: 'running',
  health: 'healthy',
  error: undefined,
  message: undefined,
  containerId: 'c',
  exitCode: undefined,
  address: '10.201.0.7',
  createdAt: '2026-01-01T00:00:00Z',
  since: '2026-01-01T00:00:00Z',
  spec: {},
  jobIteration: undefined,
  ...rest,
})

describe('a forwarded connection', () => {
  it('goes only to tasks that serve and are on the lab’s network, in a fixed order', () => {
    const targets = forwardTargets([
      task({ node: 'node2', address: '10.201.0.9' }),
      task({}),
      task({ node: 'node3', address: '10.201.0.10', state: 'starting' }),
      task({ node: 'node3', address: '10.201.0.11', desiredState: 'shutdown' }),
      task({ address: undefined }),
      task({ node: undefined }),
    ])
    expect(targets).toEqual([
      { node: 'node1', address: '10.201.0.7' },
      { node: 'node2', address: '10.201.0.9' },
    ])
  })
})
