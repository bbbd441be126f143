import { expect, test } from 'vitest'
import { mirrorName, parseImageName, pullKey } from '../../src/apps/image-names.ts'

test.each([
  ['nginx', 'docker.io', 'library/nginx', 'latest'],
  ['mongo:7', 'docker.io', 'library/mongo', '7'],
  ['grafana/loki:3', 'docker.io', 'grafana/loki', '3'],
  ['ghcr.io/a/b', 'ghcr.io', 'a/b', 'latest'],
  ['localhost:5000/a', 'localhost:5000', 'a', 'latest'],
])('%s is %s/%s:%s', (text, host, path, tag) => {
  expect(parseImageName(text)).toEqual({ host, path, tag, digest: undefined })
})

test('an image by digest has no tag unless it names one', () => {
  expect(parseImageName('nginx@sha256:aa')).toMatchObject({ tag: undefined, digest: 'sha256:aa' })
})

test('an image is kept in the registry under the host it came from', () => {
  expect(mirrorName('mongo:7')).toEqual({ repository: 'registry.lab.local:5000/docker.io/library/mongo', tag: '7' })
  expect(mirrorName('h:5000/a').repository).toBe('registry.lab.local:5000/h_5000/a')
})

test('two ways to write one image have one key', () => {
  expect(pullKey('nginx')).toBe(pullKey('docker.io/library/nginx:latest'))
  expect(pullKey('nginx')).not.toBe(pullKey('nginx:1'))
})
