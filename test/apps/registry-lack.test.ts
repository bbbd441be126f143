import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { digestTag, readSource, writeSource } from '../../src/apps/image-source.ts'
import { isTagOfLab } from '../../src/apps/registry-garbage.ts'
import { FIND_LACKING, withoutRegistry } from '../../src/apps/registry-lack.ts'
import { REGISTRY } from '../../src/model/names.ts'

const id = (letter: string) => `sha256:${letter.repeat(64)}`
const WEB = `shop/web@${id('a')}`
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lab-registry-'))
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

const write = (path: string, content: string) => {
  const file = join(root, 'docker/registry/v2', path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}
const blob = (letter: string) => `blobs/sha256/${letter.repeat(2)}/${letter.repeat(64)}/data`
const lacking = (...images: readonly string[]) =>
  execFileSync('sh', ['-euc', FIND_LACKING, 'look', root, ...images], { encoding: 'utf8' })

function fill(): void {
  write(blob('a'), JSON.stringify({ config: { digest: id('b') }, layers: [{ digest: id('c') }] }))
  write(blob('b'), '{}')
  write(blob('c'), 'layer')
  write(`repositories/shop/web/_manifests/revisions/sha256/${'a'.repeat(64)}/link`, id('a'))
}

test('an empty registry lacks every image', () => {
  expect(lacking(WEB, `shop/db@${id('d')}`)).toBe(`${WEB}\nshop/db@${id('d')}\n`)
})

test('a whole image is not lacking; the same digest in another repository is', () => {
  fill()
  expect(lacking(WEB)).toBe('')
  expect(lacking(`shop/db@${id('a')}`, WEB)).toBe(`shop/db@${id('a')}\n`)
})

test.each(['a', 'b', 'c'])('an image without one of its parts (%s) is lacking', (part) => {
  fill()
  rmSync(join(root, 'docker/registry/v2', blob(part)))
  expect(lacking(WEB)).toBe(`${WEB}\n`)
})

test('references are asked for without the name of the registry', () => {
  expect(withoutRegistry(`${REGISTRY}/${WEB}`)).toBe(WEB)
})

test('where an image came from is read as it was written; of what was deployed without it nothing is known', () => {
  const source = { tags: ['latest', 'k'], key: 'k' }
  expect(readSource(writeSource(source))).toEqual(source)
  expect(readSource(writeSource({ tags: ['latest'], key: undefined }))).toEqual({ tags: ['latest'] })
  expect(readSource(undefined)).toEqual({ tags: [] })
})

test('what is put back goes by a tag that counts as one of lab, so that it can be pruned', () => {
  expect(isTagOfLab('shop/web', digestTag(id('a')))).toBe(true)
  expect(isTagOfLab('shop/web', 'sha256-mine')).toBe(false)
})
