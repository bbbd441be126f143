import { expect, test } from 'vitest'
import { CrashCount, waitsForPort } from '../../src/workflows/wait-up.ts'
import { aNode, aService, aTask } from '../swarm/swarm-objects.ts'

const nodes = [aNode('node1')]
const crash = (at: number) =>
  aTask({ state: 'failed', desired: 'shutdown', exitCode: 7, at, error: 'task: non-zero exit (7)' })

test('tasks that crash one after another are counted though the swarm lists but two of them at a time', () => {
  const count = new CrashCount()
  const ended = [1, 2, 3, 4].map(crash)
  expect(count.look([aService()], [], nodes, 0)).toEqual([])
  expect(count.look([aService()], ended.slice(0, 2), nodes, 500)).toEqual([])
  const [failure] = count.look([aService()], ended.slice(2), nodes, 1000)
  expect(failure).toMatchObject({ service: 'web', reason: 'crashed', task: { exitCode: 7 } })
  expect(failure?.message).toContain('exit code 7')
})

test('what had failed before anybody began to wait is no evidence', () => {
  const count = new CrashCount()
  const ended = [1, 2, 3, 4].map(crash)
  expect(count.look([aService()], ended, nodes, 0)).toEqual([])
  expect(count.look([aService()], ended, nodes, 20_000)).toEqual([])
})

test('with other services of the app still to come, a crashing one is given time', () => {
  const count = new CrashCount()
  const services = [aService(), aService({ id: 's2', labels: { 'lab.service': 'db' } })]
  const ended = [1, 2, 3, 4].map(crash)
  count.look(services, [], nodes, 0)
  expect(count.look(services, ended, nodes, 1000)).toEqual([])
  expect(count.look(services, ended, nodes, 14_000)).toHaveLength(1)
})

test('tasks of the version before do not count', () => {
  const count = new CrashCount()
  const old = [1, 2, 3, 4].map((at) => aTask({ state: 'failed', desired: 'shutdown', at, image: 'older' }))
  count.look([aService()], [], nodes, 0)
  expect(count.look([aService()], old, nodes, 1000)).toEqual([])
})

test.each([
  ['unplaced', 'no suitable node (host-mode port already in use on 1 node)', true],
  ['unplaced', 'no suitable node (scheduling constraints not satisfied on 4 nodes)', false],
  ['crashed', 'host-mode port already in use', false],
] as const)('%s, "%s": only a port that is about to be free is waited for', (reason, message, waits) => {
  expect(waitsForPort({ reason, message })).toBe(waits)
})
