import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { DockerClient } from '../../src/connections/dockerode.ts'

test('the client of an engine does not load gRPC, which nothing in lab uses', () => {
  const client = new DockerClient({ socketPath: '/nowhere.sock' })
  expect(client.getContainer('abc').id).toBe('abc')
  const loaded = Object.keys(createRequire(import.meta.url).cache)
  expect(loaded.some((file) => file.includes('/dockerode/lib/container.js'))).toBe(true)
  expect(loaded.filter((file) => file.includes('@grpc'))).toEqual([])
})
