import { describe, expect, test } from 'vitest'
import type { NodeSpec } from '../../src/model/lab-spec.ts'
import { content, makeSite, titles } from './classic-site.ts'

describe('networks besides the own one of the lab', () => {
  const plain = makeSite()
  const storage: Readonly<Record<string, string>> = { mgmt: '10.91.0.11', node1: '10.91.0.12' }
  const nodes = plain.nodes.map((node) => {
    const address = storage[node.name]
    return address === undefined ? node : { ...node, addresses: { storage: address } }
  })
  const links = [{ nodes: ['mgmt'], network: 'storage', rateBits: 1e6 }]
  const made = makeSite({ nodes, spec: { ...plain.spec, links } })

  test('are known by name on the nodes that are on them, and nowhere else', () => {
    const hosts = (name: string) => content(made, name, '/etc/lab/hosts')
    expect(hosts('mgmt')).toContain('10.91.0.12 node1.storage.lab.local node1.storage\n')
    expect(hosts('node1')).toContain('10.91.0.11 mgmt.storage.lab.local mgmt.storage\n')
    expect(hosts('node2')).toBe(content(plain, 'node2', '/etc/lab/hosts'))
    // Nobody else is asked for these names, and for these only: a network may be called like a domain of the world.
    expect(content(made, 'mgmt', '/etc/lab/dnsmasq.conf')).toMatch(
      /^local=\/lab\.local\/\nlocal=\/mgmt\.storage\/\nlocal=\/node1\.storage\/\ndomain-needed$/m,
    )
  })

  test('a node that is on none has the same steps as without them', () => {
    expect(titles(made, 'node2')).toEqual(titles(plain, 'node2'))
    expect(content(plain, 'mgmt', '/etc/lab/dnsmasq.conf')).toMatch(/^local=\/lab\.local\/\ndomain-needed$/m)
    expect(titles(plain, 'mgmt').filter((title) => title.includes('networks'))).toEqual([])
  })

  test('interfaces get the names of their networks, and links of a network hold for the addresses there', () => {
    expect(content(made, 'mgmt', '/usr/local/lib/lab/name-networks')).toContain('\ncall storage 10.91.0.11\n')
    expect(titles(made, 'mgmt')).toContain('conditions of the network to 1 addresses')
    expect(titles(made, 'node1')).toContain('conditions of the network to 1 addresses')
    expect(titles(made, 'node2')).toContain('a network without conditions')
  })
})

test('only a node with disks has what makes them, a unit each', () => {
  const plain = makeSite()
  const withDisk = <N extends NodeSpec>(node: N): N =>
    node.name === 'node1' ? { ...node, disks: { data: 2 ** 30, log: 2 ** 25 } } : node
  const made = makeSite({
    nodes: plain.nodes.map(withDisk),
    spec: { ...plain.spec, nodes: plain.spec.nodes.map(withDisk) },
  })
  expect(titles(made, 'node2')).toEqual(titles(plain, 'node2'))
  expect(titles(plain, 'node1').filter((title) => title.includes('disk'))).toEqual([])
  expect(titles(made, 'node1')).toEqual(
    expect.arrayContaining(['service lab-disk@data: running, enabled', 'service lab-disk@log: running, enabled']),
  )
  expect(content(made, 'node1', '/etc/lab/disks/data')).toBe('sizeBytes=1073741824\n')
  // The name of the file tells its loop device from those of all other nodes and labs of the host.
  expect(content(made, 'node1', '/usr/local/lib/lab/disk')).toContain(
    'file=/var/lib/lab/disk-classic-0a1b2c-node1-$name.img\n',
  )
})

describe('elections', () => {
  const plain = makeSite()
  const managing = (...names: readonly string[]) => {
    const withRole = <N extends NodeSpec>(node: N): N =>
      names.includes(node.name) ? { ...node, roles: [...new Set([...node.roles, 'manager' as const])] } : node
    return makeSite({
      nodes: plain.nodes.map(withRole),
      spec: { ...plain.spec, nodes: plain.spec.nodes.map(withRole) },
    })
  }
  const HOLDS = 'service lab-election: running, enabled'
  const HELD = 'end the elections this node held'

  test('are held by managers that may lose one, each of which knows all and itself', () => {
    const made = managing('mgmt', 'node1', 'node2')
    for (const name of ['mgmt', 'node1', 'node2']) {
      expect(titles(made, name)).toContain(HOLDS)
      expect(titles(made, name)).not.toContain(HELD)
      const { address } = made.nodes.find((node) => node.name === name) ?? {}
      const script = content(made, name, '/usr/local/lib/lab/hold-election')
      for (const other of ['mgmt', 'node1', 'node2'])
        expect(script).toContain(made.nodes.find((node) => node.name === other)?.address)
      expect(script).toContain(`'${String(address)} alone'`)
    }
  })

  test('are not held by one or two managers: of those none may be lost', () => {
    for (const made of [plain, managing('mgmt', 'node1')])
      for (const { name } of made.nodes) {
        expect(titles(made, name)).toContain(HELD)
        expect(titles(made, name)).not.toContain(HOLDS)
      }
  })
})
