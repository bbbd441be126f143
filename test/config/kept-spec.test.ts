import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keptSpec } from '../../src/config/kept-spec.ts'
import { parseLab } from '../../src/config/parse.ts'

let directory = ''
let state = ''
let reads = 0
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-spec-'))
  state = join(directory, '.lab')
  reads = 0
})
afterEach(() => rm(directory, { recursive: true }))

const TEXT = 'name: kept\nvars: { far: .inf, when: 2026-01-01, none: null }\n'
const parsed = (text: string) => parseLab(text, { file: 'lab.yml', defaultName: 'x', directory: '/x' })
const load = async (text: string, build = 'one') => {
  const { spec, keep } = await keptSpec(state, [text, build], () => {
    reads++
    return Promise.resolve(parsed(text))
  })
  await keep()
  return spec
}

test('a file that nobody changed is read once, and says the same from then on', async () => {
  await mkdir(state)
  for (let time = 0; time < 3; time++) expect(await load(TEXT)).toStrictEqual(parsed(TEXT))
  expect(reads).toBe(1)
  expect((await stat(join(state, 'spec'))).mode & 0o777).toBe(0o600)
})

test('another text, another build of lab, and a file that was cut off are read again', async () => {
  await mkdir(state)
  await load(TEXT)
  expect((await load('name: other\n')).name).toBe('other')
  expect((await load('name: other\n', 'two')).name).toBe('other')
  expect(reads).toBe(3)
  const kept = await readFile(join(state, 'spec'), 'utf8')
  await writeFile(join(state, 'spec'), kept.slice(0, 100))
  expect((await load('name: other\n', 'two')).name).toBe('other')
  expect(reads).toBe(4)
})

test('a lab that has no state directory gets none, and errors are not kept', async () => {
  await load(TEXT)
  await expect(stat(state)).rejects.toThrow('ENOENT')
  await mkdir(state)
  const broken = () => keptSpec(state, ['broken'], () => Promise.reject(new Error('line 3')))
  await expect(broken()).rejects.toThrow('line 3')
  await expect(broken()).rejects.toThrow('line 3')
})
