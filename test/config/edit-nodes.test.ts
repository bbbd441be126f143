import { describe, expect, test } from 'vitest'
import { addNode, removeNodeEntry } from '../../src/config/edit-nodes.ts'
import { parseLab } from '../../src/config/parse.ts'

const TEXT = `# my lab
name: classic # a remark

nodes:
  - { name: mgmt, roles: [manager, build, edge] }
  # the first worker
  - { name: node1, roles: [worker, registry, logs] }
  - { name: node, roles: [worker], count: 3, start: 2 } # node2 to node4

edge:
  port: 8080 # the way in
`
const names = (text: string) => parseLab(text, { file: 'lab.yml', defaultName: 'x' }).nodes.map(({ name }) => name)

describe('a node more', () => {
  test('stands at the end of the list, and everything else stays as it is', () => {
    const after = addNode(TEXT, { name: 'big', roles: ['worker'], memory: '4GiB', cpus: 2 })
    const entry = '  - { name: big, roles: [ worker ], memory: 4GiB, cpus: 2 }'
    expect(after).toBe(TEXT.replace('# node2 to node4\n', `# node2 to node4\n${entry}\n`))
    expect(names(after).at(-1)).toBe('big')
  })

  test('in a file without a list comes behind the classic ones', () => {
    expect(names(addNode('', { name: 'node4', roles: ['worker'] }))).toEqual([
      'mgmt',
      'node1',
      'node2',
      'node3',
      'node4',
    ])
    expect(addNode('# mine\nname: a\n', { name: 'node4', roles: ['worker'] })).toContain('# mine\nname: a\n')
  })
})

describe('a node less', () => {
  test.each([
    ['node1', ['mgmt', 'node2', 'node3', 'node4']],
    ['node2', ['mgmt', 'node1', 'node3', 'node4']],
    ['node3', ['mgmt', 'node1', 'node2', 'node4']],
    ['node4', ['mgmt', 'node1', 'node2', 'node3']],
  ])('%s, from wherever it is in a row', (name, left) => {
    const after = removeNodeEntry(
      TEXT.replace('[worker, registry, logs]', '[worker]').replace('edge]', 'edge, registry, logs]'),
      name,
    )
    expect(names(after)).toEqual(left)
    expect(after).toContain('name: classic # a remark')
    expect(after).toContain('port: 8080 # the way in')
  })

  test('of a row of one is the row', () => {
    const one = TEXT.replace('count: 3', 'count: 1')
    expect(names(removeNodeEntry(one, 'node2'))).toEqual(['mgmt', 'node1'])
  })

  test('that is not there is refused', () => {
    expect(() => removeNodeEntry(TEXT, 'node9')).toThrow('no node "node9"')
  })
})
