import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseLab } from '../../src/config/parse.ts'
import { linksFrom } from '../../src/model/links.ts'

const EXAMPLES = new URL('../../examples/', import.meta.url)
const names = readdirSync(EXAMPLES)

const textOf = (name: string) => readFileSync(new URL(`${name}/lab.yml`, EXAMPLES), 'utf8')
const parse = (name: string, text = textOf(name)) => parseLab(text, { file: `${name}/lab.yml`, defaultName: name })

test('there are examples', () => {
  expect(names.length).toBeGreaterThan(2)
})

test.each(names)('the example %s is valid and called what its directory is', (name) => {
  expect(parse(name).name).toBe(name)
})

test('the classic one is what an empty file means', () => {
  const { nodes } = parseLab('', { file: 'lab.yml', defaultName: 'classic' })
  expect(parse('classic').nodes).toEqual(nodes)
})

test('what edge-wan has as comments, for kernels that can delay and lose packets, is valid and counts', () => {
  const { links } = parse('edge-wan', textOf('edge-wan').replaceAll('  # - {', '  - {'))
  const late = { rateBits: 20e6, delayMs: 40, lossPercent: 0.1 }
  const conditions = linksFrom('far1', ['mgmt', 'far2'], links ?? [])
  expect(conditions).toEqual([
    { peer: 'mgmt', ...late },
    { peer: 'far2', rateBits: 1e9, delayMs: undefined, lossPercent: undefined },
  ])
})
