import { expect, test } from 'vitest'
import { nodeUse } from '../../src/facts/node-use.ts'

const parse = (stdout: string) => nodeUse.parse({ status: 0, stdout, stderr: '' })
const TIME = 'first 1000000\nfirst-at 10.00\nsecond 1150000\nsecond-at 10.30\n'

test('use and limits of either version of control groups are read', () => {
  const limits = { memoryBytes: 300, memoryLimitBytes: 1000, cpus: 0.5, cpusLimit: 1.5 }
  const said = `${TIME}used 400\ncached 100\nlimit 1000\nquota 150000 100000\nall 5000\n`
  expect(parse(said)).toEqual(limits)
})

test.each([
  ['first version', 'limit 9223372036854771712\nquota -1 100000\n'],
  ['second version', 'limit max\nquota max 100000\n'],
])('no limit is none, in the words of the %s', (_, limits) => {
  const found = parse(`${TIME}used 400\n${limits}all 5000\n`)
  expect(found).toEqual({ memoryBytes: 400, memoryLimitBytes: undefined, cpus: 0.5, cpusLimit: undefined })
})

test('a node that does not say is not taken for one that uses nothing', () => {
  expect(() => parse('')).toThrow('does not say')
})
