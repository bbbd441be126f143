import { expect, test } from 'vitest'
import { checkConfig } from '../../src/apps/check-config.ts'
import { checkStructure } from '../../src/apps/check-structure.ts'
import type { ComposeConfig } from '../../src/apps/compose-config.ts'
import { toProblems } from '../../src/apps/compose-file.ts'
import { volumeWishes } from '../../src/apps/volume-wishes.ts'
import { checkContext, composeFile } from './compose.ts'

/** A file whose volume `data` is told this by `x-lab:`. */
const withVolume = (xLab: string) => `services:
  db: { image: mongo, volumes: ['data:/data'] }
volumes:
  data:
    x-lab:
${xLab.replaceAll(/^/gm, '      ')}
`

/** Problems as a user sees them: keys as written, then what they mean. */
function problemsOf(xLab: string): readonly string[] {
  const file = composeFile(withVolume(xLab))
  const mount = { type: 'volume', source: 'data', target: '/data' }
  const { volumes } = file.value as Pick<ComposeConfig, 'volumes'>
  const config = { name: 'shop', services: { db: { image: 'mongo', volumes: [mount] } }, ...(volumes && { volumes }) }
  const structure = checkStructure(file.value)
  const found = structure.readable ? checkConfig(config, checkContext({ written: file.value })) : structure
  return toProblems([file], found.problems).map(
    ({ line, column, message }) => `${String(line)}:${String(column)} ${message}`,
  )
}

const wishesOf = (xLab: string) => {
  const { volumes } = composeFile(withVolume(xLab)).value as Pick<ComposeConfig, 'volumes'>
  return volumeWishes('data', volumes?.['data'])
}

test('replicas, schedules and hooks are read as they are set by hand', () => {
  const text = `replicate: { to: node2, every: 5m }
keep: { hourly: 24, daily: '7' }
hooks: { pre: flush --all, post: [resume, 'a b'] }`
  expect(problemsOf(text)).toEqual([])
  expect(wishesOf(text)).toEqual({
    wishes: {
      replicas: [{ node: 'node2', everyMs: 300_000 }],
      keep: { hourly: 24, daily: 7 },
      hooks: { pre: ['sh', '-c', 'flush --all'], post: ['resume', 'a b'] },
    },
    problems: [],
  })
  const several = wishesOf('replicate: [{ to: node2 }, { to: node3, every: 1h }]')
  expect(several.wishes.replicas).toEqual([
    { node: 'node2', everyMs: 10_000 },
    { node: 'node3', everyMs: 3_600_000 },
  ])
  expect(wishesOf('limit: 2GiB')).toEqual({ wishes: {}, problems: [] })
})

test.each<[string, string, RegExp]>([
  ['a node that is none', 'replicate: { to: node9 }', /^6:24 node9 is no node that runs apps/],
  ['a node that runs no apps', 'replicate:\n  to: mgmt', /^7:13 mgmt is no node that runs apps/],
  ['no node', 'limit: 1GiB\nreplicate: { every: 10s }', /^7:\d+ say where the copy shall be/],
  ['one node twice', 'replicate:\n  - { to: node2 }\n  - { to: node2 }', /^8:\d+ node2 has a replica already/],
  ['a time that is none', 'replicate: { to: node2, every: soon }', /^6:\d+ "soon" is not how often/],
  ['a time that is too short', 'replicate: { to: node2, every: 0s }', /^6:\d+ "0s" is not how often/],
  [
    'a mistyped key',
    'replicate: { to: node2, evry: 1m }',
    /^6:\d+ unknown key "evry" in replicate; did you mean "every"/,
  ],
  ['a node without its key', 'replicate: node2', /^6:\d+ replicate must be a set of keys and values/],
  ['a schedule that is none', 'keep: { hourli: 24 }', /^6:\d+ unknown key "hourli" in keep; did you mean "hourly"/],
  ['a count that is none', 'keep: { hourly: many }', /^6:\d+ a schedule is hourly, daily.* 1 to 1000/],
  ['a hook without a word', 'hooks: { pre: [] }', /^6:\d+ a hook is a command/],
  ['an empty hook', "hooks: { post: '' }", /^6:\d+ a hook is a command/],
  ['a hook at another time', 'hooks: { during: x }', /^6:\d+ unknown key "during" in hooks/],
])('%s is named at its line', (_, xLab, text) => {
  const found = problemsOf(xLab)
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(text)
})
