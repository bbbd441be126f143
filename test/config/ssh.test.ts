import { describe, expect, it } from 'vitest'
import { InvalidFileError } from '../../src/model/errors.ts'
import { parseLab } from '../../src/config/parse.ts'

const parse = (text: string) => parseLab(text, { file: 'lab.yml', defaultName: 'x', directory: '/home/me/hosts' })
const ROLES = 'roles: [manager, build, edge, worker, registry, logs]'

function problems(text: string): readonly string[] {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof InvalidFileError)
      return error.problems.map(({ line, message }) => `${String(line)}: ${message}`)
    throw error
  }
  return []
}

describe('hosts that exist', () => {
  it('are reached as their node says, else as all do, else by their own name', () => {
    const { nodes } = parse(
      [
        'provider: ssh',
        'ssh: { user: admin, key: ./id, sudo: password, passwordFile: /run/secret }',
        'nodes:',
        `  - { name: one, ${ROLES}, ssh: { host: 10.0.0.5, port: 2222, user: root, sudo: false, address: 192.168.0.5 } }`,
        '  - { name: far, count: 2, ssh: { jump: me@gate } }',
      ].join('\n'),
    )
    expect(nodes.map(({ ssh }) => ssh)).toMatchObject([
      { host: '10.0.0.5', port: 2222, user: 'root', sudo: 'none', address: '192.168.0.5', key: '/home/me/hosts/id' },
      { host: 'far1', user: 'admin', sudo: 'password', passwordFile: '/run/secret', jump: 'me@gate' },
      { host: 'far2' },
    ])
  })

  it('are no business of other providers', () => {
    expect(parse('name: x').nodes[0]?.ssh).toBeUndefined()
    expect(problems('ssh: { user: me }\nnodes:\n  - { name: a, ' + ROLES + ', ssh: { host: b } }')).toEqual([
      '1: "ssh" says how hosts are reached that exist already: it needs provider: ssh',
      '3: "ssh" says how hosts are reached that exist already: it needs provider: ssh',
    ])
  })

  it('are found wanting all at once, with lines', () => {
    const text = [
      'provider: ssh',
      'subnet: 10.1.0.0/24',
      'nodes:',
      `  - { name: a, ${ROLES}, memory: 2GiB, ssh: { host: 10.0.0.5 } }`,
      '  - { name: b, ssh: { host: 10.0.0.5 } }',
      '  - { name: c, count: 2, ssh: { address: 10.0.0.7 } }',
      '  - { name: d, ssh: { host: me@there, jump: "a b", address: 10.0.0, sudo: maybe, hots: x } }',
      '  - { name: e, ssh: { sudo: true, passwordFile: x } }',
    ].join('\n')
    expect(problems(text)).toEqual([
      '2: the network of hosts that exist is their own: leave "subnet" out with provider: ssh',
      '4: "memory" is what the host has: leave it out with provider: ssh',
      '5: this host is a node already (entry 1)',
      '6: one "address" cannot be that of several nodes: leave it out (each is reached by its own name), or list them one by one',
      '7: "host": give a name or an address, without user or port',
      '7: "jump": write it like user@gate:22, several with commas between, or none',
      '7: "address": give an IPv4 address such as 10.0.0.5',
      '7: "sudo": expected true, false or password, not the text "maybe"',
      '7: unknown key "hots"; did you mean "host"?',
      '8: "passwordFile" needs sudo: password beside it',
    ])
    expect(problems('provider: ssh')).toEqual(['1: provider: ssh needs "nodes": name the hosts that exist'])
  })
})
