import { expect, it } from 'vitest'
import { parseLab } from '../../src/config/parse.ts'
import { InvalidFileError } from '../../src/model/errors.ts'

const parse = (text: string) => parseLab(text, { file: 'lab.yml', defaultName: 'here' })
const problems = (text: string): readonly string[] => {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof InvalidFileError) return error.message.split('\n')
    throw error
  }
  return []
}
const NODES = `nodes:
  - { name: mgmt, roles: [manager, build, edge, registry, logs], networks: [storage] }
  - { name: node, count: 6, networks: [storage, backup] }
`

it('a network needs no more than a name, and nodes of a count are all on it', () => {
  const { networks, nodes } = parse(`networks: { storage: , backup: { subnet: 10.91.0.0/24 } }\n${NODES}`)
  expect(networks).toEqual({ storage: { subnet: 'auto' }, backup: { subnet: '10.91.0.0/24' } })
  expect(nodes.map((node) => node.networks)).toEqual([['storage'], ...Array<object>(6).fill(['storage', 'backup'])])
})

it('a file without networks has none, and neither have its nodes', () => {
  const { networks, nodes } = parse('networks:\n')
  expect(networks).toBeUndefined()
  expect(nodes.some((node) => 'networks' in node)).toBe(false)
})

it('mistakes in networks are named together, each with its line', () => {
  const text = `subnet: 10.77.0.0/16
networks:
  storage: { subnet: 10.77.2.0/24 }
  Backup: { subnet: 10.91.0.0/24, gateway: yes }
  local: { subnet: 10.91.0.128/25 }
  tiny: { subnet: 10.92.0.0/29 }
  odd: { subnet: 10.93.0.1/24 }
nodes:
  - { name: mgmt, roles: [manager, build, edge, registry, logs], networks: [storag, tiny, tiny] }
  - { name: node, count: 5, networks: [tiny, what] }
links:
  - { nodes: [mgmt], network: tinny, rate: 1mbit }
  - { nodes: [mgmt], network: storage, rate: 1mbit }
`
  expect(problems(text)).toEqual([
    "lab.yml:3:22: 10.77.2.0/24 overlaps 10.77.0.0/16 of the lab's own subnet",
    expect.stringMatching(/^lab\.yml:4:3: "Backup" is not a network name: use a-z/),
    'lab.yml:4:35: unknown key "gateway"; known: subnet',
    'lab.yml:5:3: "local" is a name the lab itself answers to: choose another',
    'lab.yml:5:20: 10.91.0.128/25 overlaps 10.91.0.0/24 of the network Backup',
    'lab.yml:6:19: 10.92.0.0/29 holds 5 nodes, and 6 are on tiny',
    expect.stringMatching(/^lab\.yml:7:18: .*10\.93\.0\.1\/24 is an address inside a network/),
    'lab.yml:9:77: there is no network "storag": did you mean "storage"?',
    'lab.yml:9:91: "tiny" is listed twice',
    expect.stringMatching(/^lab\.yml:10:46: there is no network "what": name it in "networks"/),
    'lab.yml:12:31: there is no network "tinny": did you mean "tiny"?',
    'lab.yml:13:15: mgmt is not on the network storage: give it networks: [storage]',
  ])
})

it('hosts that exist have the networks they have', () => {
  const text = `provider: ssh
networks: { storage: {} }
nodes:
  - { name: mgmt, roles: [manager, build, edge, registry, logs, worker], networks: [storage] }
`
  const message = 'hosts that exist have the networks they have: leave "networks" out with provider: ssh'
  expect(problems(text)).toEqual([`lab.yml:2:1: ${message}`, `lab.yml:4:74: ${message}`])
})
