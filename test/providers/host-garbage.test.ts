import { expect, test } from 'vitest'
import { ownBytes, staleImages, type HostImage, type HostUse } from '../../src/providers/docker/host-garbage.ts'

const image = (name: string, version: string, created: number, parent = ''): HostImage => ({
  Id: `${name}-${version}`,
  ParentId: parent,
  RepoTags: [`lab-${name}:${version}`],
  Labels: { 'lab.image': name },
  Size: 10,
  Created: created,
})

/** The four images of one version of lab, made one after the other from a time on. */
const version = (name: string, from: number) => [
  image('base', name, from),
  image('packages', name, from + 1, `base-${name}`),
  image('edge', name, from + 2, `base-${name}`),
  image('node', name, from + 3, `packages-${name}`),
]

const use = (ids: readonly string[], more: Partial<HostUse> = {}): HostUse => ({
  ids: new Set(ids),
  tags: { base: 'lab-base:now', packages: 'lab-packages:now', edge: 'lab-edge:now', node: 'lab-node:now' },
  lab: 'shop-1',
  needed: new Set(),
  ofAnyLab: false,
  hasOtherLabs: false,
  ...more,
})

test('images of older recipes go, newer ones and those of now stay', () => {
  const images = [...version('old', 100), ...version('now', 200), ...version('new', 300)]
  expect(staleImages(images, use([]))).toEqual(['lab-base:old', 'lab-packages:old', 'lab-edge:old', 'lab-node:old'])
})

test('what a node of any lab was made from stays, with all that is needed to make it', () => {
  const images = [...version('older', 50), ...version('old', 100), ...version('now', 200)]
  expect(staleImages(images, use(['node-old']))).toEqual([
    'lab-base:older',
    'lab-packages:older',
    'lab-edge:older',
    'lab-node:older',
  ])
})

test('nothing goes while there are no images of now to tell the old ones by', () => {
  expect(staleImages(version('old', 100), use([]))).toEqual([])
})

test('of an image only what it adds to the one it was built upon is counted, through all steps of its build', () => {
  const step = (id: string, parent: string, size: number, tags: string[] = []): HostImage => {
    return { ...image('node', id, 1, parent), Id: id, RepoTags: tags, Size: size }
  }
  const images = [
    step('base', '', 100, ['lab-base:now']),
    step('one', 'base', 130),
    step('two', 'one', 150, ['<none>:<none>']),
    step('whole', 'two', 151, ['lab-packages:now']),
  ]
  expect(images.map((each) => ownBytes(each, images))).toEqual([100, 30, 50, 51])
})

test('snapshots and what they are built upon stay', () => {
  const saved = { ...image('node', 'x', 300, 'node-old'), RepoTags: ['lab-snapshot/shop-1/before:node1'] }
  const images = [...version('old', 100), ...version('now', 200), saved]
  expect(staleImages(images, use([]))).toEqual([])
})

test('of images of apps only what this lab built and no longer runs, and only where no other lab is', () => {
  const app = (key: string, labels: Readonly<Record<string, string>>) => ({
    ...image('app', key, 10),
    RepoTags: [`lab-app:${key}`],
    Labels: { 'lab.image': 'app', ...labels },
  })
  const built = { 'lab.kept-by': 'shop-1', 'lab.origin': 'built' }
  const images = [
    app('gone', built),
    app('runs', built),
    app('pulled', { ...built, 'lab.origin': 'pulled' }),
    app('others', { ...built, 'lab.kept-by': 'blog-2' }),
    app('before', {}),
    { ...image('base', 'mine', 1), RepoTags: ['mine:1'], Labels: null },
  ]
  const needed = new Set(['runs'])
  expect(staleImages(images, use([], { needed }))).toEqual(['lab-app:gone'])
  expect(staleImages(images, use([], { needed, hasOtherLabs: true }))).toEqual([])
  // What labs built that are gone: only when asked for, and again only where no other lab is.
  const ofAnyLab = true
  expect(staleImages(images, use([], { needed, ofAnyLab }))).toEqual(['lab-app:gone', 'lab-app:others'])
  expect(staleImages(images, use(['app-others'], { needed, ofAnyLab }))).toEqual(['lab-app:gone'])
  expect(staleImages(images, use([], { needed, ofAnyLab, hasOtherLabs: true }))).toEqual([])
})
