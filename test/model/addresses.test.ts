import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  chooseFree,
  formatAddress,
  freeAddress,
  isIpInSubnet,
  nthAddress,
  overlaps,
  parseAddress,
  parseCidr,
} from '../../src/model/addresses.ts'
import { choosePools } from '../../src/model/address-pools.ts'

test('an address survives being read and written', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (n) => parseAddress(formatAddress(n)) === n))
})

test.each(['10.0.0', '10.0.0.256', '10.0.0.01', '1.2.3.4.5', '', 'a.b.c.d', '10.0.0.0/33', '10.0.0.0/'])(
  '"%s" is no IPv4 network',
  (text) => {
    expect(parseCidr(text)).toBeUndefined()
    expect(parseCidr(`${text}/8`)).toBeUndefined()
  },
)

test('addresses are given from a number on, then from the lowest, and end', () => {
  const taken = new Set<string>()
  const given: string[] = []
  for (let count = 0; count < 13; count++) {
    const address = freeAddress('10.90.3.16/28', taken, 11)
    given.push(address)
    taken.add(address)
  }
  const numbers = [11, 12, 13, 14, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  expect(given).toEqual(numbers.map((number) => nthAddress('10.90.3.16/28', number)))
  expect(() => freeAddress('10.90.3.16/28', taken, 11)).toThrow('no address left')
})

test('networks overlap when one holds the other, and not when they are neighbours', () => {
  expect(overlaps('10.90.0.0/16', '10.90.3.0/24')).toBe(true)
  expect(overlaps('10.90.3.0/24', '10.90.0.0/16')).toBe(true)
  expect(overlaps('10.90.3.0/24', '10.90.4.0/24')).toBe(false)
  expect(overlaps('0.0.0.0/0', '192.168.1.0/24')).toBe(true)
  expect(overlaps('fd00::/64', '10.0.0.0/8')).toBe(false)
})

test('addresses are counted from the base of the network, whatever host bits it was written with', () => {
  expect(nthAddress('10.90.3.77/24', 11)).toBe('10.90.3.11')
  expect(() => nthAddress('10.90.3.0/24', 256)).toThrow(RangeError)
  expect(isIpInSubnet('10.90.3.11', '10.90.3.0/24')).toBe(true)
})

test('the first free candidate is chosen', () => {
  expect(chooseFree(['10.1.0.0/16', '10.2.0.0/16'], ['10.1.7.0/24'])).toBe('10.2.0.0/16')
  expect(chooseFree(['10.1.0.0/16'], ['10.0.0.0/8'])).toBeUndefined()
})

test('pools are clear of what is taken and of one another, and a swarm keeps the pool it has', () => {
  const taken = ['10.239.0.0/16', '10.238.4.0/24', '172.17.0.0/16']
  const pools = choosePools(taken)
  for (const pool of [pools.overlayPool, pools.bridgePool]) {
    expect(taken.some((subnet) => overlaps(subnet, pool))).toBe(false)
  }
  expect(overlaps(pools.overlayPool, pools.bridgePool)).toBe(false)
  expect(overlaps(pools.overlayPool, pools.overlaySubnet)).toBe(true)
  // The swarm takes networks without a subnet of their own, its ingress first, from the start of the pool.
  expect(overlaps(pools.overlayPool.replace('/16', '/24'), pools.overlaySubnet)).toBe(false)
  expect(pools.bridgeAddress).toBe(pools.bridgePool.replace('0/16', '1/24'))
  expect(choosePools(taken, '10.239.0.0/16').overlayPool).toBe('10.239.0.0/16')
})
