import fc from 'fast-check'
import { expect, test } from 'vitest'
import { faultTargets, planFaults, possibleFaults, type ChaosShape } from '../../src/chaos/schedule.ts'
import { FAULT_KINDS } from '../../src/model/fault.ts'
import { ROLES } from '../../src/model/lab-spec.ts'

const CLASSIC: ChaosShape = {
  nodes: [
    { name: 'mgmt', roles: ['manager', 'build', 'edge'] },
    { name: 'node1', roles: ['worker', 'registry', 'logs'] },
    { name: 'node2', roles: ['worker'] },
    { name: 'node3', roles: ['worker'] },
  ],
  watchedEdge: 'mgmt',
  canKill: true,
  canPause: true,
}

const shapes = fc
  .array(fc.uniqueArray(fc.constantFrom(...ROLES), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 9 })
  .chain((roles) => {
    const nodes = roles.map((each, index) => ({ name: `n${String(index)}`, roles: each }))
    return fc.record({
      nodes: fc.constant(nodes),
      watchedEdge: fc.option(fc.constantFrom(...nodes.map(({ name }) => name)), { nil: undefined }),
      canKill: fc.boolean(),
      canPause: fc.boolean(),
    })
  })
const kinds = fc.subarray([...FAULT_KINDS], { minLength: 1 })
const seeds = fc.nat({ max: 999_999 })

test('the same seed, lab and duration are the same faults in the same order; a longer run begins as a shorter one', () => {
  fc.assert(
    fc.property(shapes, kinds, seeds, fc.nat({ max: 600_000 }), (shape, wanted, seed, forMs) => {
      const plan = planFaults(shape, { seed, forMs, kinds: wanted })
      expect(planFaults(structuredClone(shape), { seed, forMs, kinds: wanted })).toEqual(plan)
      const longer = planFaults(shape, { seed, forMs: forMs + 120_000, kinds: wanted })
      expect(longer.slice(0, plan.length)).toEqual(plan)
    }),
  )
})

test('no fault takes more than a lab can survive', () => {
  fc.assert(
    fc.property(shapes, kinds, seeds, (shape, wanted, seed) => {
      const withRole = (role: string) => shape.nodes.filter(({ roles }) => roles.some((each) => each === role))
      for (const { kind, node } of planFaults(shape, { seed, forMs: 120_000, kinds: wanted })) {
        expect(wanted).toContain(kind)
        if (kind === 'leader') expect(withRole('manager').length).toBeGreaterThan(2)
        if (kind === 'leader' || kind === 'fill') continue
        const struck = shape.nodes.find(({ name }) => name === node)
        expect(node).not.toBe(shape.watchedEdge)
        if (struck?.roles.includes('manager') === true) expect(withRole('manager').length).toBeGreaterThan(2)
        if (struck?.roles.includes('worker') === true && kind !== 'sshd') {
          expect(withRole('worker').length).toBeGreaterThan(1)
        }
      }
    }),
  )
})

test('seeds differ, and every kind and node comes up before one comes up again', () => {
  const options = { forMs: 600_000, kinds: possibleFaults(CLASSIC) }
  const plan = planFaults(CLASSIC, { ...options, seed: 7 })
  expect(planFaults(CLASSIC, { ...options, seed: 8 })).not.toEqual(plan)
  const { length } = options.kinds
  expect(new Set(plan.slice(0, length).map(({ kind }) => kind))).toEqual(new Set(options.kinds))
  const killed = plan.filter(({ kind }) => kind === 'kill').map(({ node }) => node)
  expect(killed.slice(0, 3).toSorted()).toEqual(['node1', 'node2', 'node3'])
})

test('a lab says which faults it does not survive, and why', () => {
  expect(possibleFaults(CLASSIC)).toEqual(['kill', 'pause', 'cut', 'fill', 'engine', 'sshd'])
  expect(faultTargets(CLASSIC, 'leader')).toEqual({ none: expect.stringContaining('three managers') as string })
  const hosts = { ...CLASSIC, canKill: false, canPause: false }
  expect(possibleFaults(hosts)).toEqual(['cut', 'fill', 'engine', 'sshd'])
  const single = { ...CLASSIC, nodes: [{ name: 'one', roles: ROLES }], watchedEdge: 'one' }
  expect(possibleFaults(single)).toEqual(['fill'])
})
