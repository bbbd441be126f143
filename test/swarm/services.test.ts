import { describe, expect, test } from 'vitest'
import { serviceNamed } from '../../src/swarm/services.ts'
import { serviceStanding } from '../../src/swarm/standing.ts'
import { aNode, aService, aTask } from './swarm-objects.ts'

describe('a service', () => {
  test('is found by the name its users know, and by that of its object', () => {
    const services = [aService()]
    expect(serviceNamed(services, 'web').id).toBe('s1')
    expect(serviceNamed(services, 'shop_web').id).toBe('s1')
  })

  test('that is mistyped is refused with the near name', () => {
    try {
      serviceNamed([aService()], 'wb')
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'UNKNOWN_NAME', exitCode: 64, hint: 'did you mean "web"?' })
    }
  })
})

describe('what status shows of a service', () => {
  const nodes = [aNode('node1')]

  test('is its live tasks, with addresses on the overlay and not on private networks', () => {
    const task = aTask()
    const old = aTask({ state: 'shutdown', desired: 'shutdown' })
    expect(serviceStanding(aService(), [old, task], nodes)).toMatchObject({
      desired: 1,
      running: 1,
      tasks: [{ id: task.id, address: task.address }],
    })
    expect(task.address).toMatch(/^10\.1\.240\.\d+$/)
  })

  test('includes the last failure while tasks are missing, and not once all run', () => {
    const failed = aTask({ state: 'failed', desired: 'shutdown', error: 'boom' })
    const coming = aTask({ state: 'starting' })
    const standing = serviceStanding(aService(), [failed, coming], nodes)
    expect(standing).toMatchObject({ running: 0, tasks: [{ state: 'starting' }, { error: 'boom' }] })
    expect(serviceStanding(aService(), [failed, aTask()], nodes).tasks).toHaveLength(1)
  })

  test('counts a completed one-shot task as what it was to be', () => {
    const restart = { Condition: 'none' }
    const tasks = [aTask({ state: 'complete', desired: 'shutdown', restart })]
    expect(serviceStanding(aService({ restart }), tasks, nodes)).toMatchObject({ desired: 1, running: 1 })
  })
})
