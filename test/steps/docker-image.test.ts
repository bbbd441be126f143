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
