import { describe, expect, test } from 'vitest'
import { judgeService } from '../../src/swarm/judge-services.ts'
import { aNode, aService, aTask } from './swarm-objects.ts'

const nodes = [aNode('node1'), aNode('node2'), aNode('dead', { state: 'down' })]

describe('a service is settled', () => {
  test('when exactly the wanted tasks of the present spec run', () => {
    const tasks = [aTask({ slot: 1 }), aTask({ slot: 2 })]
    const standing = judgeService(aService({ replicas: 2 }), { nodes, tasks })
    expect(standing).toMatchObject({ settled: true, desired: 2, waitingFor: '' })
    expect(standing.ready.map(({ address }) => address)).toEqual(tasks.map(({ address }) => address))
  })

  test('at zero when nothing runs any more', () => {
    expect(judgeService(aService({ replicas: 0 }), { nodes, tasks: [] }).settled).toBe(true)
  })

  test('although a dead node still claims to run a task that was given up', () => {
    const tasks = [aTask(), aTask({ node: 'dead', desired: 'shutdown' })]
    expect(judgeService(aService(), { nodes, tasks }).settled).toBe(true)
  })

  test('although a task was given up before it had a node', () => {
    const tasks = [aTask(), aTask({ node: '', state: 'pending', desired: 'shutdown' })]
    expect(judgeService(aService(), { nodes, tasks }).settled).toBe(true)
  })

  test('when its one-shot task has completed', () => {
    const restart = { Condition: 'none' }
    const tasks = [aTask({ state: 'complete', desired: 'shutdown', restart })]
    expect(judgeService(aService({ restart }), { nodes, tasks })).toMatchObject({ settled: true })
  })

  test('on every node that fits, for a global service', () => {
    const service = aService({ mode: { Global: {} } })
    expect(judgeService(service, { nodes, tasks: [aTask()] })).toMatchObject({ desired: 2, settled: false })
    const tasks = [aTask({ slot: 0 }), aTask({ slot: 0, node: 'node2' })].map((task) => ({ ...task, slot: undefined }))
    expect(judgeService(service, { nodes, tasks })).toMatchObject({ settled: true })
  })

  test('with tasks whose placement is older but still allowed', () => {
    const constraints = ['node.labels.lab.role.worker==true', 'node.hostname!=node2']
    expect(judgeService(aService({ constraints }), { nodes, tasks: [aTask()] }).settled).toBe(true)
    expect(judgeService(aService({ constraints }), { nodes, tasks: [aTask({ node: 'node2' })] }).settled).toBe(false)
  })
})

describe('a service is not settled', () => {
  test('while a task starts, which is while it is not yet healthy', () => {
    const standing = judgeService(aService({ replicas: 2 }), {
      nodes,
      tasks: [aTask({ slot: 1 }), aTask({ slot: 2, state: 'starting', node: 'node2' })],
    })
    expect(standing).toMatchObject({ settled: false, waitingFor: 'web 1/2, starting on node2' })
  })

  test('while a task of the spec before runs', () => {
    const tasks = [aTask({ image: 'registry.lab.local:5000/web@sha256:0' })]
    expect(judgeService(aService(), { nodes, tasks })).toMatchObject({ settled: false, ready: [] })
  })

  test('while a task that was scaled away still stops', () => {
    const tasks = [aTask(), aTask({ slot: 2, desired: 'remove', node: 'node2' })]
    expect(judgeService(aService(), { nodes, tasks })).toMatchObject({
      settled: false,
      waitingFor: 'web 1/1, stopping on node2',
    })
  })

  test('while there is one task too many', () => {
    const tasks = [aTask({ slot: 1 }), aTask({ slot: 2, state: 'preparing' })]
    expect(judgeService(aService(), { nodes, tasks }).settled).toBe(false)
  })
})

describe('trouble', () => {
  test('is three crashes, not two', () => {
    const crash = () => aTask({ state: 'failed', desired: 'shutdown', error: 'task: non-zero exit (7)', exitCode: 7 })
    const coming = aTask({ state: 'ready', desired: 'ready' })
    const two = judgeService(aService(), { nodes, tasks: [crash(), crash(), coming] })
    expect(two.trouble).toBeUndefined()
    const three = judgeService(aService(), { nodes, tasks: [crash(), crash(), crash(), coming] })
    expect(three.trouble).toMatchObject({
      reason: 'crashed',
      final: false,
      message: 'keeps ending on node1 with exit code 7: task: non-zero exit (7)',
    })
  })

  test('is a server that ends without an error', () => {
    const ended = () => aTask({ state: 'complete', desired: 'shutdown' })
    expect(judgeService(aService(), { nodes, tasks: [ended(), ended(), ended()] }).trouble?.reason).toBe('crashed')
  })

  test('is not what happened before anybody waited', () => {
    const crashes = [1, 2, 3].map(() => aTask({ state: 'failed', desired: 'shutdown' }))
    const history = new Set(crashes.map(({ id }) => id))
    expect(judgeService(aService(), { nodes, tasks: crashes, history }).trouble).toBeUndefined()
  })

  test('is final at the second refusal of a node', () => {
    const refused = () => aTask({ state: 'rejected', desired: 'shutdown', error: 'No such image: nope:1' })
    expect(judgeService(aService(), { nodes, tasks: [refused(), refused()] }).trouble).toMatchObject({
      reason: 'rejected',
      final: true,
      message: 'cannot start on node1: No such image: nope:1',
    })
  })

  test('is final at the first failure of what is not started again', () => {
    const restart = { Condition: 'none' }
    const tasks = [aTask({ state: 'failed', desired: 'shutdown', restart, exitCode: 1, error: 'exit 1' })]
    expect(judgeService(aService({ restart }), { nodes, tasks }).trouble).toMatchObject({ final: true })
  })

  test('names a failing health check as such', () => {
    const sick = () =>
      aTask({
        state: 'failed',
        desired: 'shutdown',
        error: 'task: non-zero exit (137): dockerexec: unhealthy container',
      })
    expect(judgeService(aService(), { nodes, tasks: [sick(), sick()] }).trouble).toMatchObject({
      reason: 'unhealthy',
      message: 'starts on node1 but fails its health check',
    })
  })

  test('names the constraint that no node meets', () => {
    const constraints = ['node.labels.lab.role.worker==true', 'node.labels.disk==ssd']
    const waiting = aTask({
      state: 'pending',
      node: '',
      constraints,
      error: 'no suitable node (scheduling constraints not satisfied on 3 nodes)',
    })
    expect(judgeService(aService({ constraints }), { nodes, tasks: [waiting] }).trouble).toMatchObject({
      reason: 'unplaced',
      message: expect.stringMatching(/no suitable node .*; no node meets node\.labels\.disk==ssd$/) as unknown,
    })
  })
})
