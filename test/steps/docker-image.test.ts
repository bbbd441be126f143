import { expect, test } from 'vitest'
import { dockerImage, importedTag } from '../../src/steps/docker-image.ts'
import { engine } from './engine-case.ts'
import { consider } from './step-case.ts'

const seeds = new Map([['debian:13', 'sha256:seed']])
const has = (id?: string) => engine({ images: new Map(id === undefined ? [] : [['debian:13', id]]) })

test('a missing image is loaded from the archive on the node, as a unit of its own', async () => {
  const { changes, commands } = await consider(dockerImage({ tag: 'debian:13', pinned: false }), {
    engine: has(),
    'seed-images': seeds,
  })
  expect(changes).toEqual([{ path: 'image', from: undefined, to: 'sha256:seed' }])
  expect(commands).toMatchObject([{ argv: ['docker', 'load', '--quiet', '--input', expect.any(String)] as unknown }])
  expect(commands[0]?.unit).toBeDefined()
})

test('another image under the tag will do, unless it is pinned', async () => {
  const facts = { engine: has('sha256:pulled'), 'seed-images': seeds }
  expect((await consider(dockerImage({ tag: 'debian:13', pinned: false }), facts)).changes).toEqual([])
  expect((await consider(dockerImage({ tag: 'debian:13', pinned: true }), facts)).changes).toEqual([
    { path: 'image', from: 'sha256:pulled', to: 'sha256:seed' },
  ])
})

test('a node without the archive keeps what it has, and says so when it has nothing', async () => {
  const step = dockerImage({ tag: 'debian:13', pinned: true })
  expect((await consider(step, { engine: has('sha256:own'), 'seed-images': new Map() })).changes).toEqual([])
  await expect(consider(step, { engine: has(), 'seed-images': new Map() })).rejects.toThrow('holds no image debian:13')
})

test('an imported image is made by its script, under a tag that changes with the script', async () => {
  const made = { script: 'mkdir "$1/etc"', changes: ['CMD ["/bin/sh"]'] }
  const tag = importedTag('lab-probe', made)
  expect(tag).toMatch(/^lab-probe:[0-9a-f]{12}$/)
  expect(importedTag('lab-probe', { ...made, script: 'mkdir "$1/tmp"' })).not.toBe(tag)
  const { commands } = await consider(dockerImage({ tag, ...made }), { engine: engine(), 'seed-images': seeds })
  expect(commands[0]?.argv.slice(3)).toEqual(['import', tag, '--change', 'CMD ["/bin/sh"]'])
  expect(commands[0]?.argv[2]).toContain(made.script)
})

test('an image of a registry is pulled where nothing is under its tag, and pinned by a digest where one is named', async () => {
  const tag = 'registry.test:5000/team/app:1'
  const digest = `sha256:${'a'.repeat(64)}`
  const repositoryDigests = new Map([['sha256:id', [`registry.test:5000/team/app@${digest}`]]])
  const present = engine({ images: new Map([[tag, 'sha256:id']]), repositoryDigests })
  const look = (options: Partial<Parameters<typeof dockerImage>[0]>, state = present) =>
    consider(dockerImage({ tag, pull: true, ...options } as Parameters<typeof dockerImage>[0]), {
      engine: state,
      'no seeds': new Map(),
    })
  expect((await look({})).changes).toEqual([])
  expect((await look({ digest })).changes).toEqual([])
  const missing = await look({ digest }, engine())
  expect(missing.changes).toEqual([{ path: 'image', from: undefined, to: digest }])
  expect(missing.commands[0]?.argv.slice(3)).toEqual(['pull', `registry.test:5000/team/app@${digest}`, tag])
  expect((await look({ digest: `sha256:${'b'.repeat(64)}` })).changes).toHaveLength(1)
})

test("Docker's own registry may be named or not; a name without a tag is refused", async () => {
  const state = engine({ images: new Map([['debian:13', 'sha256:id']]) })
  const step = dockerImage({ tag: 'docker.io/library/debian:13', pull: true })
  expect((await consider(step, { engine: state, 'no seeds': new Map() })).changes).toEqual([])
  expect(() => dockerImage({ tag: 'debian', pull: true })).toThrow('write name:tag')
})

test('an image that has to go is removed, and only where it is', async () => {
  const step = dockerImage({ tag: 'debian:13', absent: true })
  expect((await consider(step, { engine: has(), 'no seeds': new Map() })).changes).toEqual([])
  const { commands } = await consider(step, { engine: has('sha256:id'), 'no seeds': new Map() })
  expect(commands).toEqual([{ argv: ['docker', 'image', 'rm', 'debian:13'] }])
})
