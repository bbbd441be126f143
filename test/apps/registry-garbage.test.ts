import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { isGarbageImage } from '../../src/apps/image-garbage.ts'
import {
  parseRegistry,
  pinnedDigest,
  READ_REGISTRY,
  registryGarbage,
  type RegistryContent,
  type StoredManifest,
} from '../../src/apps/registry-garbage.ts'
import { REGISTRY } from '../../src/model/names.ts'

const id = (letter: string) => `sha256:${letter.repeat(64)}`
const KEY = 'e'.repeat(40)
const NOW = 1_700_000_000

const directories: string[] = []
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

test('what a registry has on its disk is read whole', () => {
  const root = mkdtempSync(join(tmpdir(), 'lab-registry-'))
  directories.push(root)
  const write = (path: string, content: string) => {
    const file = join(root, 'docker/registry/v2', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
  const blob = (letter: string, content: string) => {
    write(`blobs/sha256/${letter.repeat(2)}/${letter.repeat(64)}/data`, content)
  }
  const manifest = JSON.stringify({ config: { digest: id('b') }, layers: [{ digest: id('c') }] })
  blob('a', manifest)
  blob('b', '{}')
  blob('c', 'layer')
  write(`repositories/shop/web/_manifests/revisions/sha256/${'a'.repeat(64)}/link`, id('a'))
  write('repositories/shop/web/_manifests/tags/latest/current/link', id('a'))
  write(`repositories/shop/web/_manifests/tags/latest/index/sha256/${'a'.repeat(64)}/link`, id('a'))
  const read = parseRegistry(execFileSync('sh', ['-euc', READ_REGISTRY, 'read', root], { encoding: 'utf8' }))
  expect(read.manifests).toEqual([
    { repository: 'shop/web', digest: id('a'), tags: ['latest'], parts: [id('b'), id('c')] },
  ])
  expect(read.blobs.map(({ digest, bytes }) => [digest, bytes]).sort()).toEqual([
    [id('a'), manifest.length],
    [id('b'), 2],
    [id('c'), 5],
  ])
  expect(Math.abs(read.now - Date.now() / 1000)).toBeLessThan(60)
  expect(
    parseRegistry(execFileSync('sh', ['-euc', READ_REGISTRY, 'read', join(root, 'none')], { encoding: 'utf8' })),
  ).toEqual({ manifests: [], blobs: [], uploads: [], now: 0 })
})

function content(manifests: readonly StoredManifest[], more: Partial<RegistryContent> = {}): RegistryContent {
  const digests = new Set(manifests.flatMap(({ digest, parts }) => [digest, ...parts]))
  const blobs = [...digests].map((digest) => ({ digest, bytes: 10, changedAt: NOW - 5 }))
  return { manifests, blobs, uploads: [], now: NOW, ...more }
}

const built = (letter: string, ...parts: readonly string[]): StoredManifest => ({
  repository: 'shop/web',
  digest: id(letter),
  tags: [KEY],
  parts: parts.map(id),
})

test('what nothing runs can go, but no part that something else has too', () => {
  const all = content([built('a', 'c', 'd'), built('b', 'c', 'e')])
  const { manifests, bytes, isBusy } = registryGarbage(all, new Set([id('a')]), false)
  expect(manifests.map(({ digest }) => digest)).toEqual([id('b')])
  expect(bytes).toBe(20)
  expect(isBusy).toBe(false)
})

test('what somebody pushed by hand stays unless everything is to go; what lab brought from elsewhere does not', () => {
  const mine = { ...built('a'), tags: ['1.0'] }
  const mirrored = { ...built('b'), repository: 'docker.io/library/redis', tags: ['7'] }
  const untagged = { ...built('c'), tags: [] }
  const gone = (all: boolean) =>
    registryGarbage(content([mine, mirrored, untagged]), new Set(), all).manifests.map(({ digest }) => digest)
  expect(gone(false)).toEqual([id('b'), id('c')])
  expect(gone(true)).toEqual([id('a'), id('b'), id('c')])
})

test('manifests in a list that is used stay', () => {
  const list = { ...built('a', 'b'), tags: [KEY] }
  const { manifests } = registryGarbage(content([list, { ...built('b', 'c'), tags: [] }]), new Set([id('a')]), false)
  expect(manifests).toEqual([])
})

test('a registry that something is being pushed to is busy', () => {
  const some = content([built('a')])
  const isBusy = (more: Partial<RegistryContent>) => registryGarbage({ ...some, ...more }, new Set(), false).isBusy
  expect(isBusy({ uploads: [NOW - 5] })).toBe(true)
  expect(isBusy({ uploads: [NOW - 50_000] })).toBe(false)
  const loose = (age: number) => ({ digest: id('f'), bytes: 1, changedAt: NOW - age })
  expect(isBusy({ blobs: [...some.blobs, loose(5)] })).toBe(true)
  expect(isBusy({ blobs: [...some.blobs, loose(50_000)] })).toBe(false)
})

test("an image of a node goes only when all its names are lab's and nothing uses it", () => {
  const image = { Id: 'i', Size: 1, SharedSize: 0, Created: NOW - 50_000 }
  const use = { digests: new Set([id('a')]), ids: new Set<string>(), now: NOW }
  const named = (RepoTags: readonly string[], RepoDigests: readonly string[] = []) =>
    isGarbageImage({ ...image, RepoTags, RepoDigests }, use)
  expect(named([`${REGISTRY}/shop/web:latest`], [`${REGISTRY}/shop/web@${id('b')}`])).toBe(true)
  expect(named([`lab-app:${KEY}`], [`${REGISTRY}/shop/web@${id('a')}`])).toBe(false)
  expect(named(['redis:7', `${REGISTRY}/docker.io/library/redis:7`])).toBe(false)
  expect(named([`${REGISTRY}/mine/tool:1.0`])).toBe(false)
  expect(named([`${REGISTRY}/shop/web:${KEY}`])).toBe(true)
  expect(named([`${REGISTRY}/docker.io/library/redis:7`])).toBe(true)
  expect(named(['debian:trixie-slim'])).toBe(false)
  expect(named(['lab-edge:latest'])).toBe(false)
  expect(named(['<none>:<none>'], ['<none>@<none>'])).toBe(true)
  expect(isGarbageImage({ ...image, Created: NOW - 5 }, use)).toBe(false)
  expect(isGarbageImage({ ...image, RepoTags: [`lab-app:${KEY}`] }, { ...use, ids: new Set(['i']) })).toBe(false)
})

test("only references of the lab's own registry are pinned by it", () => {
  expect(pinnedDigest(`${REGISTRY}/shop/web@${id('a')}`)).toBe(id('a'))
  expect(pinnedDigest(`elsewhere/shop/web@${id('a')}`)).toBeUndefined()
  expect(pinnedDigest(`${REGISTRY}/shop/web:1`)).toBeUndefined()
})
