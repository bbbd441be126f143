import { describe, expect, test } from 'vitest'
import { ServicesFailedError, Watch } from '../../src/swarm/service-watch.ts'
import { aNode, aService, aTask } from './swarm-objects.ts'

const nodes = [aNode('node1')]

function failureOf(work: () => unknown): ServicesFailedError {
  try {
    work()
  } catch (error) {
    if (error instanceof ServicesFailedError) return error
    throw error
  }
  throw new Error('nothing failed')
}

describe('a watch over services', () => {
  test('is done at the first look when all is as wanted', () => {
    const watch = new Watch({ deadlineMs: 1000 }, () => 0)
    expect(watch.look(['s1'], [aService()], { nodes, tasks: [aTask()] })).toHaveLength(1)
  })

  test('believes a task without a health check only after it has run for a while', () => {
    let now = 0
    const lines: string[] = []
    const watch = new Watch({ deadlineMs: 1000, stableMs: 2000, onProgress: (line) => lines.push(line) }, () => now)
    const tasks = [aTask()]
    expect(watch.look(['s1'], [aService()], { nodes, tasks })).toBeUndefined()
    now = 1999
    expect(watch.look(['s1'], [aService()], { nodes, tasks })).toBeUndefined()
    now = 2000
    expect(watch.look(['s1'], [aService()], { nodes, tasks })).toHaveLength(1)
    expect(lines).toEqual(['web runs, watching it'])
  })

  test('lets a service crash a while longer when another of the same wait is not up yet', () => {
    let now = 0
    const watch = new Watch({ deadlineMs: 60_000 }, () => now)
    const services = [aService(), aService({ id: 's2' })]
    const starting = aTask({ id: 's2', state: 'starting' })
    watch.look(['s1', 's2'], services, { nodes, tasks: [starting] })
    const tasks = [starting, ...[1, 2, 3].map(() => aTask({ state: 'failed', desired: 'shutdown', error: 'boom' }))]
    expect(watch.look(['s1', 's2'], services, { nodes, tasks })).toBeUndefined()
    now = 9999
    expect(watch.look(['s1', 's2'], services, { nodes, tasks })).toBeUndefined()
    now = 10_000
    const error = failureOf(() => watch.look(['s1', 's2'], services, { nodes, tasks }))
    expect(error.failures).toMatchObject([{ service: 'web', reason: 'crashed', task: { error: 'boom' } }])
  })

  test('gives the scheduler three seconds to find a place', () => {
    let now = 0
    const watch = new Watch({ deadlineMs: 60_000 }, () => now)
    const tasks = [aTask({ state: 'pending', node: '', error: 'no suitable node' })]
    expect(watch.look(['s1'], [aService()], { nodes, tasks })).toBeUndefined()
    now = 3000
    expect(failureOf(() => watch.look(['s1'], [aService()], { nodes, tasks })).failures[0]?.reason).toBe('unplaced')
  })

  test('counts tasks that crash one after another though the swarm lists but two of them at a time', () => {
    const watch = new Watch({ deadlineMs: 60_000 }, () => 0)
    const look = (...tasks: readonly ReturnType<typeof aTask>[]) => watch.look(['s1'], [aService()], { nodes, tasks })
    const [before, first, second, third] = [0, 1, 2, 3].map((at) =>
      aTask({ state: 'failed', desired: 'shutdown', exitCode: 7, at, error: 'task: non-zero exit (7)' }),
    )
    if (before === undefined || first === undefined || second === undefined || third === undefined) throw new Error()
    expect(look(before)).toBeUndefined()
    expect(look(before, first)).toBeUndefined()
    expect(look(first, second)).toBeUndefined()
    const { failures } = failureOf(() => look(second, third))
    expect(failures).toMatchObject([{ service: 'web', reason: 'crashed', task: { exitCode: 7 } }])
    expect(failures[0]?.message).toContain('exit code 7')
  })

  test('gives a task whose port is still held by the one before it as long as that one may take to stop', () => {
    let now = 0
    const watch = new Watch({ deadlineMs: 60_000 }, () => now)
    const error = 'no suitable node (host-mode port already in use on 1 node)'
    const tasks = [aTask({ state: 'pending', node: '', error })]
    const look = () => watch.look(['s1'], [aService()], { nodes, tasks })
    expect(look()).toBeUndefined()
    now = 24_999
    expect(look()).toBeUndefined()
    now = 25_000
    expect(failureOf(look).failures[0]?.reason).toBe('unplaced')
  })

  test('tells of a rollback with the task that caused it', () => {
    const watch = new Watch({ deadlineMs: 1000 }, () => 0)
    const culprit = aTask({
      image: 'other',
      state: 'failed',
      desired: 'shutdown',
      exitCode: 3,
      error: 'task: non-zero exit (3)',
    })
    const update = {
      State: 'rollback_started',
      Message: `update rolled back due to failure of task ${culprit.id}`,
    } as const
    const picture = { nodes, tasks: [aTask(), culprit] }
    // By the time the swarm tells of it, it may have forgotten the task.
    watch.look(['s1'], [aService()], { nodes, tasks: [aTask()] })
    watch.look(['s1'], [aService()], picture)
    const error = failureOf(() => watch.look(['s1'], [aService({ update })], { nodes, tasks: [aTask()] }))
    expect(error.failures).toMatchObject([{ reason: 'rolled-back', task: { id: culprit.id } }])
    expect(error.message).toMatch(/put back: keeps ending on node1 with exit code 3/)
    const lenient = new Watch({ deadlineMs: 1000, judgeUpdate: false }, () => 0)
    expect(lenient.look(['s1'], [aService({ update })], picture)).toHaveLength(1)
  })

  test('does not wait for tasks that go away when told not to', () => {
    const tasks = [aTask(), aTask({ slot: 2, desired: 'remove' })]
    expect(new Watch({ deadlineMs: 1 }, () => 0).look(['s1'], [aService()], { nodes, tasks })).toBeUndefined()
    const hasty = new Watch({ deadlineMs: 1, untilGone: false }, () => 0)
    expect(hasty.look(['s1'], [aService()], { nodes, tasks })).toHaveLength(1)
  })

  test('says what was still missing when time is up', () => {
    const watch = new Watch({ deadlineMs: 1000 }, () => 0)
    watch.look(['s1'], [aService({ replicas: 2 })], { nodes, tasks: [aTask()] })
    expect(watch.late(12_345)).toMatchObject({
      code: 'SERVICES_LATE',
      message: 'web: not up after 12 s: web 1/2',
      hint: 'lab logs web',
    })
  })

  test('ends when a service is removed meanwhile', () => {
    const watch = new Watch({ deadlineMs: 1000 }, () => 0)
    watch.look(['s1'], [aService({ replicas: 2 })], { nodes, tasks: [] })
    expect(failureOf(() => watch.look(['s1'], [], { nodes, tasks: [] })).failures[0]).toMatchObject({
      service: 'web',
      reason: 'gone',
    })
  })
})
