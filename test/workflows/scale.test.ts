import { describe, expect, test } from 'vitest'
import { answersTo, checkScale, withReplicas } from '../../src/workflows/scale.ts'
import { aService } from '../swarm/swarm-objects.ts'

describe('a wish to scale', () => {
  test('is fine for any whole number, zero included', () => {
    expect(checkScale(aService({ replicas: 2 }), 0)).toBe(2)
    expect(checkScale(aService({ replicas: 0 }), 5)).toBe(0)
  })

  test.each([-1, 1.5, Number.NaN])('is refused for %d', (to) => {
    expect(() => checkScale(aService(), to)).toThrow(/not a number of replicas/)
  })

  test('is refused past 1 where a volume has one writer, and fine up to there', () => {
    const service = aService({ labels: { 'lab.volume': 'shop-data' } })
    expect(() => checkScale(service, 2)).toThrow(/uses the volume shop-data.*past 1/)
    expect(checkScale(service, 0)).toBe(1)
  })

  test('is refused for a service of which every node has one', () => {
    expect(() => checkScale(aService({ mode: { Global: {} } }), 2)).toThrow(/it is a global service/)
  })
})

describe('the changed spec', () => {
  const spec = { Name: 'shop_web', Labels: { a: 'b' }, Mode: { Replicated: { Replicas: 1 } } }

  test('has the number and remembers that lab set it', () => {
    expect(withReplicas(spec, 3)).toEqual({
      Name: 'shop_web',
      Labels: { a: 'b', 'lab.scaled': '3' },
      Mode: { Replicated: { Replicas: 3 } },
    })
  })

  test('is none when both are so already', () => {
    expect(withReplicas({ ...spec, Labels: { 'lab.scaled': '1' } }, 1)).toBeUndefined()
    expect(withReplicas(spec, 1)).toBeDefined()
  })
})

test('a service without an alias on the overlay has no name to wait for', () => {
  expect(answersTo(aService(), 'web.lab.local')).toBe(true)
  expect(answersTo({ template: { Networks: [{ Target: 'private' }] } }, 'web.lab.local')).toBe(false)
})
