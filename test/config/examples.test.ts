import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseLab } from '../../src/config/parse.ts'

const EXAMPLES = new URL('../../examples/', import.meta.url)
const names = readdirSync(EXAMPLES)

const parse = (name: string) =>
  parseLab(readFileSync(new URL(`${name}/lab.yml`, EXAMPLES), 'utf8'), { file: `${name}/lab.yml`, defaultName: name })

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
