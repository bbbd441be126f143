import { expect, test } from 'vitest'
import { parseLab } from '../../src/config/parse.ts'
import { nodeAddresses } from '../../src/workflows/machine-request.ts'

const classic = parseLab('', { file: 'lab.yml', defaultName: 'lab' })
const addresses = (subnet: string, machines: Parameters<typeof nodeAddresses>[2] = []) =>
  Object.fromEntries([...nodeAddresses({ subnet }, classic, machines)].map(([name, { address }]) => [name, address]))

test('nodes have addresses from the eleventh on', () => {
  expect(addresses('10.9.0.0/24')).toEqual({
    mgmt: '10.9.0.11',
    node1: '10.9.0.12',
    node2: '10.9.0.13',
    node3: '10.9.0.14',
  })
})

test("in the smallest network that holds them, none has the address of the lab's way in", () => {
  expect(Object.values(addresses('10.9.0.0/29')).sort()).toEqual(['10.9.0.3', '10.9.0.4', '10.9.0.5', '10.9.0.6'])
})

test('what exists keeps its address, and so does what existed before', () => {
  const there = [
    { name: 'node3', address: '10.9.0.30' },
    { name: 'node1', address: '10.9.0.11' },
  ]
  expect(addresses('10.9.0.0/24', there)).toMatchObject({ node3: '10.9.0.30', node1: '10.9.0.11', mgmt: '10.9.0.12' })
})
