import { expect, test } from 'vitest'
import { limitText } from '../../src/volumes/limit.ts'
import { readHealth } from '../../src/volumes/pool-health.ts'

const WELL =
  'writable yes\nerrors 0\ntotal 3000000000\nunallocated 900000000\nmissing 0\nfree 2000000000\nmetadata-free 500000\n'
const healthWith = (was: string, is: string) => readHealth(WELL.replace(was, is))

test('a pool with room and without errors is well', () => {
  expect(readHealth(WELL)).toEqual({ state: 'ok', detail: '1.9 GiB of 2.8 GiB free', hint: undefined })
  expect(readHealth('state ONLINE\nfree 2000000000\ntotal 3000000000\nerrors 0\n').state).toBe('ok')
})

test.each([
  ['not-mounted', 'writable yes', 'mounted no'],
  ['read-only', 'writable yes', 'writable no'],
  ['full', 'free 2000000000', 'free 20000000'],
  ['full', 'unallocated 900000000', 'unallocated 0'],
  ['degraded', 'errors 0', 'errors 3'],
  ['degraded', 'missing 0', 'missing 1000'],
  ['degraded', 'writable yes', 'state DEGRADED'],
])('a pool is %s that says "%s" no more, but "%s"', (state, was, is) => {
  const health = healthWith(was, is)
  expect(health.state).toBe(state)
  expect(health.hint).toBeTruthy()
})

test('a limit is a whole number of bytes', () => {
  expect(limitText(20_000_000)).toBe('20000000')
  expect(() => limitText(1.5e7 + 0.5)).toThrow(/not a size/)
  expect(() => limitText(1000)).toThrow(/not a size/)
})
