import { expect, test } from 'vitest'
import { NO_POLICY, policyAfterMove, policyText, readPolicy, type VolumePolicy } from '../../src/model/volume-policy.ts'
import { policyAsWished, type VolumeWishes } from '../../src/model/volume-wishes.ts'

const WISHES: VolumeWishes = {
  replicas: [{ node: 'b', everyMs: 1000 }],
  keep: { hourly: 24 },
  hooks: { pre: ['flush'] },
}
const wish = (policy: VolumePolicy, wishes: VolumeWishes, owner = 'a') => policyAsWished(policy, owner, wishes).policy

test('what a file says is set once, and read as it was written', () => {
  const once = wish(NO_POLICY, WISHES)
  expect(once).toEqual({
    replicas: [{ node: 'b', everyMs: 1000, deployed: true }],
    keep: { hourly: 24 },
    hooks: { pre: ['flush'] },
    deployed: ['keep', 'hooks'],
  })
  const read = readPolicy(policyText(once))
  expect(read).toEqual(once)
  expect(policyText(wish(read ?? NO_POLICY, WISHES))).toBe(policyText(once))
})

test('what a file does not say any more goes, where it was the file that had said it', () => {
  const deployed = wish(NO_POLICY, WISHES)
  expect(wish(deployed, {})).toEqual(NO_POLICY)
  expect(wish(deployed, { keep: { hourly: 24 } })).toEqual({
    ...NO_POLICY,
    keep: { hourly: 24 },
    deployed: ['keep'],
  })
})

test("what was set by hand stays where the file is silent, and is the file's where it speaks", () => {
  const byHand: VolumePolicy = { replicas: [{ node: 'c', everyMs: 5 }], keep: { daily: 7 }, hooks: { post: ['x'] } }
  expect(wish(byHand, {})).toEqual(byHand)
  const both = wish(byHand, { replicas: [{ node: 'b', everyMs: 1000 }], keep: { hourly: 2 } })
  expect(both.replicas).toEqual([
    { node: 'c', everyMs: 5 },
    { node: 'b', everyMs: 1000, deployed: true },
  ])
  expect(both.keep).toEqual({ hourly: 2 })
  expect(wish(both, {})).toEqual({ ...byHand, keep: {} })
})

test('that replicas are promoted by themselves stays for as long as there is one, whoever wants it', () => {
  const byHand: VolumePolicy = { ...NO_POLICY, replicas: [{ node: 'c', everyMs: 5000 }], autoPromote: true }
  expect(wish(byHand, {})).toEqual(byHand)
  const both = wish(byHand, WISHES)
  expect(both).toMatchObject({ autoPromote: true, deployed: ['keep', 'hooks'] })
  expect(readPolicy(policyText(both))).toEqual(both)
  const deployed: VolumePolicy = { ...wish(NO_POLICY, WISHES), autoPromote: true }
  expect(wish(deployed, WISHES)).toEqual(deployed)
  expect(wish(deployed, {})).toEqual(NO_POLICY)
})

test('a volume that moved to its own replica keeps the one that came of it, and it goes with the file', () => {
  const moved = policyAfterMove(wish(NO_POLICY, WISHES), 'a', 'b')
  expect(moved.replicas).toEqual([{ node: 'a', everyMs: 1000, deployed: true }])
  const again = policyAsWished(moved, 'b', WISHES)
  expect(again).toEqual({ policy: moved, waiting: [] })
  expect(wish(moved, { keep: { hourly: 24 }, hooks: { pre: ['flush'] } }, 'b').replicas).toEqual([])
})

test('a node that owns the volume has no replica of it, and that is told', () => {
  expect(policyAsWished(NO_POLICY, 'b', { replicas: [{ node: 'b', everyMs: 1000 }] })).toEqual({
    policy: NO_POLICY,
    waiting: ['b'],
  })
})
