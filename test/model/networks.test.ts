import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isIpInSubnet, nthAddress } from '../../src/model/addresses.ts'
import type { NodeSpec } from '../../src/model/lab-spec.ts'
import { furtherAddresses, furtherNetworks, networkChanges } from '../../src/model/networks.ts'

const node = (name: string, ...networks: readonly string[]): NodeSpec => ({
  name,
  roles: ['worker'],
  memoryBytes: undefined,
  cpus: undefined,
  vars: {},
  ...(networks.length === 0 ? {} : { networks }),
})

test('only networks that somebody is on have to exist', () => {
  const networks = { storage: { subnet: 'auto' }, idle: { subnet: 'auto' } }
  expect(furtherNetworks({ networks, nodes: [node('a', 'storage'), node('b')] })).toEqual([
    { name: 'storage', subnet: 'auto', nodes: ['a'] },
  ])
  expect(furtherNetworks({ nodes: [node('a')] })).toEqual([])
})

describe('addresses', () => {
  const own = {
    subnet: '10.70.1.0/24',
    addresses: new Map([
      ['a', '10.70.1.11'],
      ['b', '10.70.1.12'],
      ['c', '10.70.1.13'],
    ]),
  }

  test('have the number of the node on its own network, so that a machine made anew gets the same', () => {
    const given = furtherAddresses('10.80.7.0/24', ['a', 'c'], own, new Map())
    expect([...given]).toEqual([
      ['a', '10.80.7.11'],
      ['c', '10.80.7.13'],
    ])
  })

  test('are what they are, whoever else comes', () => {
    const given = furtherAddresses('10.80.7.0/24', ['a', 'b'], own, new Map([['a', '10.80.7.12']]))
    expect([...given]).toEqual([
      ['a', '10.80.7.12'],
      ['b', '10.80.7.2'],
    ])
  })

  test('are free and inside, however small the network', () => {
    const size = fc.integer({ min: 22, max: 29 })
    fc.assert(
      fc.property(
        size,
        fc.uniqueArray(fc.integer({ min: 11, max: 250 }), { minLength: 1, maxLength: 5 }),
        (prefix, numbers) => {
          const subnet = `10.80.0.0/${String(prefix)}`
          const names = numbers.map((number) => `n${String(number)}`)
          const addresses = new Map(numbers.map((number) => [`n${String(number)}`, nthAddress('10.70.1.0/24', number)]))
          const given = furtherAddresses(subnet, names, { subnet: own.subnet, addresses }, new Map())
          const all = [...given.values()]
          expect([...given.keys()].sort()).toEqual([...names].sort())
          expect(new Set(all).size).toBe(names.length)
          for (const address of all) {
            expect(isIpInSubnet(address, subnet)).toBe(true)
            const edges = [0, 1, 2 ** (32 - prefix) - 1].map((number) => nthAddress(subnet, number))
            expect(edges).not.toContain(address)
          }
        },
      ),
    )
  })
})

describe('what has to change', () => {
  const spec = { networks: { storage: { subnet: 'auto' } }, nodes: [node('a', 'storage'), node('b')] }
  const existing = { storage: '10.80.7.0/24' }
  const on = (name: string, ...networks: readonly string[]) => ({
    name,
    networks: Object.fromEntries(networks.map((network) => [network, '10.80.7.11'])),
  })

  test('nothing, where all is as the file says, or no machine exists', () => {
    expect(networkChanges(spec, [on('a', 'storage'), { name: 'b' }], existing)).toEqual([])
    expect(networkChanges(spec, [], {})).toEqual([])
  })

  test('machines join and leave; what nobody is on any more goes, last of all', () => {
    expect(networkChanges(spec, [on('a', 'old'), on('b', 'storage')], { ...existing, old: '10.80.8.0/24' })).toEqual([
      { type: 'leave', network: 'old', node: 'a' },
      { type: 'join', network: 'storage', node: 'a' },
      { type: 'leave', network: 'storage', node: 'b' },
      { type: 'remove', network: 'old' },
    ])
  })

  test('a machine that stands still, or is in lab.yml no more, is left alone with its networks', () => {
    const old = { ...existing, old: '10.80.8.0/24' }
    expect(networkChanges(spec, [{ ...on('a', 'old'), paused: true }], old)).toEqual([])
    expect(networkChanges(spec, [on('a', 'storage'), on('gone', 'old')], old)).toEqual([])
  })
})
