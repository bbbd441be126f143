import { expect, test } from 'vitest'
import { labJsonSchema } from '../../src/config/json-schema.ts'
import { parseLab } from '../../src/config/parse.ts'
import { judgeChange, type LiveLab, type LiveProvider } from '../../src/workflows/judge-change.ts'

const CLASSIC = ['mgmt', 'node1', 'node2', 'node3'].map((name) => ({ name }))
const live: LiveLab = { machines: CLASSIC, subnet: '10.66.1.0/24', volumesOf: new Map(), namesakes: [] }
const judge = (text: string, now: Partial<LiveLab> = {}) =>
  judgeChange(parseLab(text, { file: 'lab.yml', defaultName: 'lab' }), { ...live, ...now })

test('a lab that is as its file says, or does not exist yet, asks for nothing', () => {
  expect(judge('')).toEqual({ refused: [], removed: [], disks: [] })
  expect(judge('subnet: 10.66.1.0/24')).toEqual({ refused: [], removed: [], disks: [] })
  expect(judge('subnet: 10.9.0.0/24', { machines: [], subnet: undefined })).toEqual({
    refused: [],
    removed: [],
    disks: [],
  })
})

test('what can be done at once is not refused: ports, vars, apps, a node more', () => {
  const more = `edge: { ports: [443] }
vars: { a: 1 }
apps: [nginx]
nodes:
  - { name: mgmt, roles: [manager, build, edge] }
  - { name: node1, roles: [worker, registry, logs], memory: 2GiB }
  - { name: node, count: 3, start: 2 }
`
  expect(judge(more)).toEqual({ refused: [], removed: [], disks: [] })
})

test('nodes that the file no longer has are to be removed', () => {
  const less = `nodes:
  - { name: mgmt, roles: [manager, build, edge] }
  - { name: node1, roles: [worker, registry, logs] }
`
  expect(judge(less)).toEqual({ refused: [], removed: ['node2', 'node3'], disks: [] })
})

test('another subnet is refused with the one there is', () => {
  const [only, ...others] = judge('subnet: 10.9.0.0/24').refused
  expect(others).toEqual([])
  expect(only?.message).toContain('10.66.1.0/24')
  expect(only?.hint).toContain('subnet: 10.66.1.0/24')
})

test('a host that nobody could reach any more is not left behind', () => {
  const [only, ...others] = judge('', { strays: ['node4'] }).refused
  expect(others).toEqual([])
  expect(only?.hint).toBe('write it into lab.yml again, then lab node rm node4')
})

test('a node keeps the host and the address that it was taken over with', () => {
  const text = `provider: ssh
nodes:
  - { name: mgmt, roles: [manager, build, edge, registry, logs], ssh: { host: a, address: 10.0.0.5 } }
  - { name: node1, roles: [worker], ssh: { host: c } }
`
  const swapped = [{ name: 'node1', before: 'b:22', now: 'c:22' }]
  const machines = [{ name: 'mgmt', address: '10.0.0.5' }]
  const [other, ...more] = judge(text, { machines, swapped }).refused
  expect(more).toEqual([])
  expect(other?.message).toContain('node1 is c:22, and b:22 is')
  expect(other?.hint).toContain('put b:22 back; then lab node rm node1')
  const [address] = judge(text, { machines: [{ name: 'mgmt', address: '10.0.0.4' }] }).refused
  expect(address?.message).toContain('gives mgmt the address 10.0.0.5, and the other nodes know it by 10.0.0.4')
  expect(address?.hint).toContain('write address: 10.0.0.4')
})

test('managers are not all exchanged at once', () => {
  const text = `nodes:
  - { name: mgmt, roles: [build, edge] }
  - { name: node1, roles: [manager, worker, registry, logs] }
  - { name: node, count: 2, start: 2 }
`
  expect(judge(text, { formerManagers: [] }).refused).toEqual([])
  const [only, ...others] = judge(text, { formerManagers: ['mgmt'] }).refused
  expect(others).toEqual([])
  expect(only?.message).toMatch(/node1.*lost with mgmt/)
  expect(only?.hint).toContain('give mgmt the role "manager" back')
})

test('another name is refused while the lab of the former one is there', () => {
  const renamed = judge('name: other', { machines: [], subnet: undefined, namesakes: ['classic-0a1b2c'] })
  expect(renamed.refused).toMatchObject([{ message: expect.stringContaining('"classic-0a1b2c"') as string }])
  expect(renamed.refused[0]?.hint).toContain('name: classic')
})

test('machines that are found all the same are not given another name, nor another directory', () => {
  const madeAs = { id: 'lab-0a1b2c', directory: '/before' }
  const [renamed, ...more] = judge('name: other', { madeAs }).refused
  expect(more).toEqual([])
  expect(renamed?.message).toContain('lab.yml calls this lab "other", and "lab-0a1b2c"')
  expect(renamed?.hint).toContain('name: lab)')
  const [moved] = judge('', { madeAs }).refused
  expect(moved?.message).toContain('were set up in /before')
  expect(moved?.hint).toContain('move this one back to /before')
  expect(judge('name: other', { machines: [], madeAs }).refused).toEqual([])
})

test('the role of a worker that owns volumes is not taken away, and every reason is told at once', () => {
  const text = `subnet: 10.9.0.0/24
nodes:
  - { name: mgmt, roles: [manager, build, edge, worker] }
  - { name: node1, roles: [registry, logs] }
  - { name: node, count: 2, start: 2 }
`
  const { refused } = judge(text, { volumesOf: new Map([['node1', ['mongo-data']]]) })
  expect(refused).toHaveLength(2)
  expect(refused[1]?.message).toContain('node1, which owns mongo-data')
  expect(refused[1]?.hint).toContain('lab volume move --evacuate node1')
})

const GIB = 2 ** 30
/** A changed lab.yml, and what becomes of it: refused with these words, or let through to what does it. */
type Case = readonly [key: string, text: string, now: Partial<LiveLab>, refused: RegExp | undefined]
const nodes = (more: string) => `nodes:
  - { name: mgmt, roles: [manager, build, edge] }
  - { name: node1, roles: [worker, registry, logs]${more} }
  - { name: node, count: 2, start: 2 }
`
const pool = (driver: string) => [{ node: 'node1', driver, sizeBytes: 4 * GIB, usedBytes: 2 * GIB }]
const made = (said: LiveProvider['said'], has: LiveProvider['said'], before?: LiveProvider['said']) => ({
  said,
  has,
  before,
})
const web = (port: number) => [{ app: 'shop', service: 'web', port }]
const CASES: readonly Case[] = [
  ['name', 'name: other', { machines: [], subnet: undefined, namesakes: ['lab-0a1b2c'] }, /calls this lab "other"/],
  ['name', 'name: other', { madeAs: { id: 'lab-0a1b2c', directory: '/here' } }, /calls this lab "other"/],
  ['provider', 'provider: vagrant', { provider: made('vagrant', 'docker') }, /says provider: vagrant.* made by docker/],
  ['provider', '', { provider: made('ssh', 'vagrant', 'ssh') }, /says provider: ssh.* made by vagrant/],
  ['provider', 'provider: docker', { provider: made('docker', 'vagrant', 'vagrant') }, /says provider: docker/],
  // As with "lab up --provider vagrant", or "vagrant up": what exists decides.
  ['provider', '', { provider: made('docker', 'vagrant') }, undefined],
  ['provider', '', { provider: made('docker', 'vagrant', 'docker') }, undefined],
  ['provider', 'provider: vagrant', { provider: made('vagrant', 'vagrant') }, undefined],
  ['provider', 'provider: vagrant', { machines: [], provider: made('vagrant', 'docker') }, undefined],
  ['subnet', 'subnet: 10.9.0.0/24', {}, /for life/],
  ['networks', `networks: { storage: { subnet: 10.91.0.0/24 } }\n${nodes(', networks: [storage]')}`, {}, undefined],
  [
    'networks',
    `networks: { storage: { subnet: 10.91.0.0/24 } }\n${nodes(', networks: [storage]')}`,
    { further: { storage: '10.80.7.0/24' } },
    /10\.80\.7\.0\/24 for life/,
  ],
  ['nodes.networks', `networks: { storage: }\n${nodes(', networks: [storage]')}`, {}, undefined],
  ['nodes.disks', nodes(', disks: { data: 2GiB }'), { disks: { node1: { data: GIB } } }, undefined],
  ['nodes.disks', nodes(''), { disks: { node1: { data: GIB } } }, undefined],
  [
    'nodes.disks',
    nodes(', disks: { data: 512MiB }'),
    { disks: { node1: { data: GIB } } },
    /512 MiB for the disk data of node1, and it has 1 GiB: a disk can only grow/,
  ],
  ['nodes.networks', nodes(''), { further: { storage: '10.80.7.0/24' } }, undefined],
  [
    'ssh',
    'provider: ssh\nssh: { user: me }\nnodes: [{ name: mgmt, roles: [manager, build, edge, worker, registry, logs] }]',
    { machines: [{ name: 'mgmt' }] },
    undefined,
  ],
  ['nodes.name', nodes('').replace('node1', 'other'), {}, undefined],
  ['nodes.roles', nodes('').replace('worker, ', ''), { volumesOf: new Map([['node1', ['data']]]) }, /which owns data/],
  ['nodes.roles', nodes('').replace('worker, ', ''), {}, undefined],
  ['nodes.count', nodes('').replace('count: 2', 'count: 9'), {}, undefined],
  ['nodes.start', nodes('').replace('start: 2', 'start: 5'), {}, undefined],
  ['nodes.memory', nodes(', memory: 2GiB'), {}, undefined],
  [
    'nodes.memory',
    nodes(', memory: 256MiB'),
    { crowded: [{ name: 'node1', usedBytes: GIB, wantedBytes: GIB / 4 }] },
    /gives node1 256 MiB of memory, and it uses 1 GiB/,
  ],
  ['nodes.cpus', nodes(', cpus: 0.5'), {}, undefined],
  ['nodes.vars', nodes(', vars: { rack: a }'), {}, undefined],
  [
    'nodes.ssh',
    'provider: ssh\nnodes: [{ name: mgmt, roles: [manager, build, edge, worker, registry, logs], ssh: { port: 2222 } }]',
    { machines: [{ name: 'mgmt' }] },
    undefined,
  ],
  ['edge.port', 'edge: { port: 8081 }', {}, undefined],
  ['edge.ports', 'edge: { ports: [443] }', {}, undefined],
  ['edge.ports', 'edge: { ports: [443] }', { routes: web(443) }, undefined],
  // The lab's URL leads to it whatever the file lists.
  ['edge.ports', 'edge: { ports: [443] }', { routes: web(80) }, undefined],
  [
    'edge.ports',
    'edge: { ports: [443] }',
    { routes: web(8080) },
    /port 8080 from the edge, and web of shop is reached/,
  ],
  ['volumes.driver', 'volumes: { driver: zfs }', { pools: pool('zfs') }, undefined],
  ['volumes.driver', 'volumes: { driver: zfs }', { pools: pool('btrfs') }, /the pool of node1 is btrfs/],
  ['volumes.poolSize', 'volumes: { poolSize: 8GiB }', { pools: pool('btrfs') }, undefined],
  ['volumes.poolSize', 'volumes: { poolSize: 3GiB }', { pools: pool('btrfs') }, undefined],
  ['volumes.poolSize', 'volumes: { poolSize: 2GiB }', { pools: pool('btrfs') }, /cannot be smaller than 2\.3 GiB/],
  ['volumes.poolSize', 'volumes: { poolSize: 3GiB }', { pools: pool('zfs') }, /a pool of zfs can only grow/],
  ['apps', 'apps: [nginx]', {}, undefined],
  ['groups', 'groups: { web: { nodes: [node2] } }', {}, undefined],
  ['links', 'links: [{ nodes: [node2], rate: 10mbit }]', {}, undefined],
  ['vars', 'vars: { a: 1 }', {}, undefined],
]

test.each(CASES)('%s changed on a lab that lives: %j', (_key, text, now, refused) => {
  const found = judge(text, now).refused
  expect(found).toHaveLength(refused === undefined ? 0 : 1)
  if (refused !== undefined) expect(found[0]?.message).toMatch(refused)
  expect(found.filter(({ hint }) => hint === '')).toEqual([])
})

test('every key of lab.yml is among those cases', () => {
  const properties = (schema: unknown) => Object.entries((schema as { properties: Record<string, unknown> }).properties)
  const keys = properties(labJsonSchema()).flatMap(([key, value]) => {
    if (key === 'nodes') return properties((value as { items: unknown }).items).map(([inner]) => `nodes.${inner}`)
    return key === 'edge' || key === 'volumes' ? properties(value).map(([inner]) => `${key}.${inner}`) : [key]
  })
  expect(keys.filter((key) => !CASES.some(([each]) => each === key))).toEqual([])
})

test('the subnet of a network is for life, and one more must be free of what there is', () => {
  const text = `networks: { storage: { subnet: 10.91.0.0/24 }, backup: { subnet: 10.92.0.0/24 } }
nodes:
  - { name: mgmt, roles: [manager, build, edge], networks: [storage, backup] }
  - { name: node1, roles: [worker, registry, logs] }
  - { name: node, count: 2, start: 2 }
`
  expect(judge(text, { further: { storage: '10.91.0.0/24' } })).toEqual({ refused: [], removed: [], disks: [] })
  const taken = [{ subnet: '10.92.0.0/16', of: 'networks inside the nodes' }]
  const [other, used, ...more] = judge(text, { further: { storage: '10.80.7.0/24' }, taken }).refused
  expect(more).toEqual([])
  expect(other?.message).toContain('10.80.7.0/24 for life')
  expect(other?.hint).toContain('write subnet: 10.80.7.0/24; or take storage out of lab.yml, lab up, and add it again')
  expect(used?.message).toContain('10.92.0.0/16 is in use: networks inside the nodes')
})

test('disks that the file no longer has are to be removed, of nodes that stay and exist', () => {
  const disks = { node1: { data: GIB, more: GIB }, node9: { data: GIB } }
  expect(judge(nodes(', disks: { data: 1GiB }'), { disks }).disks).toEqual([
    { node: 'node1', disk: 'more', sizeBytes: GIB },
  ])
  expect(judge(nodes(', disks: { data: 64MiB }'), { disks, machines: [{ name: 'mgmt' }] })).toEqual({
    refused: [],
    removed: [],
    disks: [],
  })
})
