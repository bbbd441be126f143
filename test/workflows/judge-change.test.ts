import { expect, test } from 'vitest'
import { parseLab } from '../../src/config/parse.ts'
import { judgeChange, type LiveLab } from '../../src/workflows/judge-change.ts'

const CLASSIC = ['mgmt', 'node1', 'node2', 'node3'].map((name) => ({ name }))
const live: LiveLab = { machines: CLASSIC, subnet: '10.66.1.0/24', volumesOf: new Map(), namesakes: [] }
const judge = (text: string, now: Partial<LiveLab> = {}) =>
  judgeChange(parseLab(text, { file: 'lab.yml', defaultName: 'lab' }), { ...live, ...now })

test('a lab that is as its file says, or does not exist yet, asks for nothing', () => {
  expect(judge('')).toEqual({ refused: [], removed: [] })
  expect(judge('subnet: 10.66.1.0/24')).toEqual({ refused: [], removed: [] })
  expect(judge('subnet: 10.9.0.0/24', { machines: [], subnet: undefined })).toEqual({ refused: [], removed: [] })
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
  expect(judge(more)).toEqual({ refused: [], removed: [] })
})

test('nodes that the file no longer has are to be removed', () => {
  const less = `nodes:
  - { name: mgmt, roles: [manager, build, edge] }
  - { name: node1, roles: [worker, registry, logs] }
`
  expect(judge(less)).toEqual({ refused: [], removed: ['node2', 'node3'] })
})

test('another subnet is refused with the one there is', () => {
  const [only, ...others] = judge('subnet: 10.9.0.0/24').refused
  expect(others).toEqual([])
  expect(only?.message).toContain('10.66.1.0/24')
  expect(only?.hint).toContain('subnet: 10.66.1.0/24')
})

test('another name is refused while the lab of the former one is there', () => {
  const renamed = judge('name: other', { machines: [], subnet: undefined, namesakes: ['classic-0a1b2c'] })
  expect(renamed.refused).toMatchObject([{ message: expect.stringContaining('"classic-0a1b2c"') as string }])
  expect(renamed.refused[0]?.hint).toContain('name: classic')
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
