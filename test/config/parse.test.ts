import { describe, expect, it } from 'vitest'
import { parseLab } from '../../src/config/parse.ts'
import { InvalidFileError } from '../../src/model/errors.ts'

const parse = (text: string) => parseLab(text, { file: 'lab.yml', defaultName: 'here' })

function problems(text: string): string {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof InvalidFileError) return `\n${error.message}\n`
    throw error
  }
  return 'valid'
}

describe('a lab.yml that is valid', () => {
  it('is the classic lab of four nodes when it is empty', () => {
    const spec = parse('')
    expect(spec.nodes.map((node) => `${node.name}: ${node.roles.join(' ')}`)).toEqual([
      'mgmt: manager build edge',
      'node1: worker registry logs',
      'node2: worker',
      'node3: worker',
    ])
    expect(spec).toMatchObject({
      name: 'here',
      provider: 'docker',
      subnet: 'auto',
      edge: { port: 8080, ports: [{ first: 80, last: 80 }] },
      volumes: { driver: 'auto', poolSizeBytes: 20 * 2 ** 30 },
      apps: [],
      vars: {},
    })
  })

  it('takes sizes in powers of 1024, with and without the i and the B', () => {
    const memory = (text: string) =>
      parse(`nodes: [{ name: a, roles: [manager, build, edge, registry, logs, worker], memory: ${text} }]`).nodes[0]
        ?.memoryBytes
    expect(['2GiB', '2g', '2048MB', '2097152k', '2147483648', '1.5GiB', '512M'].map(memory)).toEqual([
      2 ** 31,
      2 ** 31,
      2 ** 31,
      2 ** 31,
      2 ** 31,
      1.5 * 2 ** 30,
      2 ** 29,
    ])
  })

  it('numbers the nodes of a count from start, each with the entry’s own values', () => {
    const spec = parse(`
nodes:
  - { name: mgmt, roles: [manager, build, edge, registry, logs] }
  - { name: node, count: 3, start: 7, cpus: 1.5, vars: { rack: a, slot: 3, spare: true } }
`)
    expect(spec.nodes.slice(1)).toEqual(
      ['node7', 'node8', 'node9'].map((name) => ({
        name,
        roles: ['worker'],
        memoryBytes: undefined,
        cpus: 1.5,
        vars: { rack: 'a', slot: '3', spare: 'true' },
      })),
    )
  })

  it('publishes port 80 whichever ports it lists', () => {
    expect(parse('edge: { ports: [443, 8000-8099] }').edge.ports).toEqual([
      { first: 80, last: 80 },
      { first: 443, last: 443 },
      { first: 8000, last: 8099 },
    ])
    expect(parse('edge: { ports: [70-90] }').edge.ports).toEqual([{ first: 70, last: 90 }])
  })

  it('takes a key with nothing behind it as absent', () => {
    expect(parse('vars:\nedge:\n  port:\nvolumes:\n')).toEqual(parse(''))
  })

  it('follows anchors and aliases', () => {
    const spec = parse(`
nodes:
  - { name: mgmt, roles: [manager, build, edge, registry, logs] }
  - { name: a, roles: &worker [worker] }
  - { name: b, roles: *worker }
`)
    expect(spec.nodes.at(-1)?.roles).toEqual(['worker'])
  })

  it('takes one alias for every node of many', () => {
    const nodes = Array.from({ length: 200 }, (_, index) => `  - { name: n${String(index)}, memory: *m }`)
    const all = '{ name: mgmt, roles: [manager, build, edge, registry, logs], memory: &m 1GiB }'
    expect(parse(`nodes:\n  - ${all}\n${nodes.join('\n')}\n`).nodes.at(-1)?.memoryBytes).toBe(2 ** 30)
  })
})

describe('a lab.yml with mistakes', () => {
  it('has all of them reported at once, in the order of the file, with the nearest valid word', () => {
    const text = `name: Classic
provder: docker
subnet: 10.90.3.5/24
nodes:
  - { name: mgmt, roles: [manger, build, edge], memory: 2Gigs, cpu: 2 }
  - { name: mgmt, roles: worker, count: two }
  - { name: node1, memory: 5, cpus: "x" }
  - { name: node1, start: 3 }
  - foo
edge: { port: 70000, ports: [80, 80-90, 99-9, abc, {}] }
volumes: { driver: btrf, poolSize: [] }
apps: [a, a, 'B c']
vars: 3
`
    expect(problems(text)).toMatchInlineSnapshot(`
      "
      lab.yml:1:7: "name": "Classic" is not a lab name: use a-z, 0-9 and -, at most 63 characters, no - at the ends
      lab.yml:2:1: unknown key "provder"; did you mean "provider"?
      lab.yml:3:9: "subnet": 10.90.3.5/24 is an address inside a network: the network is 10.90.3.0/24
      lab.yml:5:27: unknown role "manger"; did you mean "manager"?
      lab.yml:5:57: "memory": "2Gigs" is not a size: write it like 2GiB or 512M
      lab.yml:5:64: unknown key "cpu"; did you mean "cpus"?
      lab.yml:6:26: "roles" must be a list, not the text "worker"
      lab.yml:6:41: "count" must be a number, not the text "two"
      lab.yml:7:28: "memory": 5 is too small: at least 128MiB
      lab.yml:7:37: "cpus" must be a number, not the text "x"
      lab.yml:8:13: a node called "node1" is there already (entry 3)
      lab.yml:8:27: "start" needs "count" beside it: how many nodes to number
      lab.yml:9:5: an entry of "nodes" must be a set of keys and values, not the text "foo"
      lab.yml:10:15: "port" must be at most 65535, not 70000
      lab.yml:10:34: 80-90 overlaps 80
      lab.yml:10:41: "ports": the range 99-9 runs backwards: write 9-99
      lab.yml:10:47: "ports": "abc" is not a port or a range of ports: write it like 443 or 8000-8099
      lab.yml:10:52: "ports": expected a port or a range, not a set of keys and values
      lab.yml:11:20: unknown driver "btrf"; did you mean "btrfs"?
      lab.yml:11:36: "poolSize": expected a size such as 2GiB, not a list
      lab.yml:12:11: "a" is listed twice
      lab.yml:12:14: "apps": "B c" is not an app: give the name of a directory below apps/ or a path that starts with ./
      lab.yml:13:7: "vars" must be a set of keys and values, not 3
      "
    `)
  })

  it('says which roles nobody has, and which more than one has', () => {
    const text = `nodes:
  - { name: mgmt, roles: [manager, edge] }
  - { name: node, roles: [worker, registry], count: 2 }
`
    expect(problems(text)).toMatchInlineSnapshot(`
      "
      lab.yml:1:1: no node has the role "build": give it to one of them
      lab.yml:1:1: no node has the role "logs": give it to one of them
      lab.yml:3:26: only one node can have the role "registry", and node1 has it: take it from node2
      "
    `)
  })

  it('takes any number of edges, on nodes that do nothing else', () => {
    const text = `nodes:
  - { name: mgmt, roles: [manager, build, edge, registry, logs, worker] }
  - { name: edge, roles: [edge], count: 2 }
`
    expect(parse(text).nodes.flatMap(({ name, roles }) => (roles.includes('edge') ? [name] : []))).toEqual([
      'mgmt',
      'edge1',
      'edge2',
    ])
  })

  it('does not call a role missing that an entry with another mistake may have', () => {
    expect(problems('nodes: [{ name: mgmt, roles: [manager, build, edge, registry, logs, wroker] }]')).not.toContain(
      'no node',
    )
  })

  it('has names used twice found across counts', () => {
    const text = `nodes:
  - { name: mgmt, roles: [manager, build, edge, registry, logs] }
  - { name: node2 }
  - { name: node, count: 2 }
`
    expect(problems(text)).toMatchInlineSnapshot(`
      "
      lab.yml:4:13: a node called "node2" is there already (entry 2)
      "
    `)
  })

  it('may not give a node a name the lab answers to itself', () => {
    const text = `nodes: [{ name: registry, roles: [manager, build, edge, registry, logs, worker] }]`
    expect(problems(text)).toMatchInlineSnapshot(`
      "
      lab.yml:1:17: "name": "registry" is a name the lab itself answers to: choose another
      "
    `)
  })

  it.each([
    ['10.90.0.0/33', '"10.90.0.0/33" is not an IPv4 network: write it like 10.90.0.0/24, or auto'],
    ['10.90.0.300/24', '"10.90.0.300/24" is not an IPv4 network: write it like 10.90.0.0/24, or auto'],
    ['ten', '"ten" is not an IPv4 network: write it like 10.90.0.0/24, or auto'],
    ['10.90.0.0/30', '/30 is too small for a lab: use /8 to /29, like 10.90.0.0/24'],
    ['10.0.0.0/29', undefined],
    ['192.168.7.0/24', undefined],
  ])('subnet %s: %s', (subnet, message) => {
    expect(problems(`subnet: ${subnet}`)).toBe(
      message === undefined ? 'valid' : `\nlab.yml:1:9: "subnet": ${message}\n`,
    )
  })

  it('has a network too small for its nodes found', () => {
    const text = `subnet: 10.0.0.0/29
nodes:
  - { name: mgmt, roles: [manager, build, edge, registry, logs] }
  - { name: node, count: 5 }
`
    expect(problems(text)).toBe('\nlab.yml:1:9: 10.0.0.0/29 holds 4 nodes, and there are 6\n')
  })

  it('has broken YAML reported where it breaks', () => {
    expect(problems('name: a\nnodes: [ {name: b}\napps: []\n')).toMatchInlineSnapshot(`
      "
      lab.yml:3:1: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]
      "
    `)
    expect(problems('- a\n- b\n')).toMatchInlineSnapshot(`
      "
      lab.yml:1:1: the file must be a set of keys and values, not a list
      "
    `)
    expect(problems('name: a\nname: b\nprovidr: docker')).toMatchInlineSnapshot(`
      "
      lab.yml:2:1: this key is there already
      lab.yml:3:1: unknown key "providr"; did you mean "provider"?
      "
    `)
  })
})

describe('a lab.yml with a mistake of YAML has where it is:', () => {
  it.each([
    ['subnet: *b', '1:9: nothing above is called &b'],
    ['name: a\nnodes: *later\nvars: &later { a: 1 }', '2:8: nothing above is called &later'],
    ['edge: &e { port: *e }', '1:18: *e stands inside itself'],
    ['name: a\n---\nname: b', '2:1: a second document begins here: a lab.yml is one, so take out the --- before it'],
    ['volumes: { poolSize: 999999TiB }', '1:22: "poolSize": 999999TiB is too large'],
    ['volumes: { poolSize: 1KiB }', '1:22: "poolSize": 1KiB is too small: at least 256MiB'],
    ['volumes: { poolSize: 268435456.5 }', '1:22: "poolSize": 268435456.5 is not a whole number of bytes'],
  ])('%j', (text, message) => {
    expect(problems(text)).toBe(`\nlab.yml:${message}\n`)
  })
})

describe('groups', () => {
  const NODES =
    'nodes:\n  - { name: mgmt, roles: [manager, build, edge, registry, logs] }\n  - { name: node, count: 3 }\n'

  it('are sets of nodes by name or role, with values of their own', () => {
    const { groups } = parse(`${NODES}groups:
  web: { nodes: [node2, node1], vars: { port: 8080, hosts: [a, b] } }
  every: { nodes: [worker, mgmt] }
`)
    expect(groups).toEqual({
      web: { nodes: ['node1', 'node2'], vars: { port: 8080, hosts: ['a', 'b'] } },
      every: { nodes: ['mgmt', 'node1', 'node2', 'node3'], vars: {} },
    })
  })

  it('with mistakes have all of them reported at once', () => {
    const text = `${NODES}groups:
  node1: { nodes: [mgmt] }
  all: { nodes: [mgmt] }
  Web: { nodes: [nod2, node1, node1, 5] }
  db: { nods: [node1], vars: 3 }
  none: { nodes: [] }
`
    expect(problems(text)).toMatchInlineSnapshot(`
      "
      lab.yml:5:3: "node1" is a node already: give the group another name
      lab.yml:6:3: "all" means a set of nodes already: give the group another name
      lab.yml:7:3: "Web" is not a group name: use a-z, 0-9 and -, at most 63 characters
      lab.yml:7:18: unknown node "nod2"; did you mean "node2"?
      lab.yml:7:31: "node1" is listed twice
      lab.yml:7:38: an entry of "nodes" must be a text, not 5
      lab.yml:8:7: "nodes" is missing
      lab.yml:8:9: unknown key "nods"; did you mean "nodes"?
      lab.yml:8:30: "vars" must be a set of keys and values, not 3
      lab.yml:9:18: "nodes" is an empty list: leave it out or fill it
      "
    `)
  })
})
