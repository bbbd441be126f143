import { expect, test } from 'vitest'
import { UsageError } from '../../src/model/errors.ts'
import { isDeployed, sameServices } from '../../src/workflows/deploy.ts'
import { chosen, forced } from '../../src/workflows/restart.ts'
import { joinFrames } from '../../src/workflows/task-logs.ts'
import { aService } from '../swarm/swarm-objects.ts'

const deployed = (text: string, id = 's1') => aService({ id, labels: { 'lab.deployed': text } })

test('an app is deployed when all its services, and as many as it has, carry its digest', () => {
  expect(isDeployed([deployed('d/1')], 'd')).toBe(true)
  expect(isDeployed([deployed('d/2'), deployed('d/2', 's2')], 'd')).toBe(true)
  expect(isDeployed([deployed('d/2')], 'd')).toBe(false)
  expect(isDeployed([deployed('d/2'), deployed('e/2', 's2')], 'd')).toBe(false)
  expect(isDeployed([], 'd')).toBe(false)
})

test('what was pushed last never counts as the source deployed', () => {
  expect(isDeployed([deployed('as-pushed-d/1')], 'd')).toBe(false)
})

test('services are the same though they say that another digest was deployed', () => {
  expect(sameServices([deployed('a/1')], [deployed('b/1')])).toBe(true)
  expect(sameServices([aService({ labels: { 'lab.image': 'a' } })], [aService({ labels: { 'lab.image': 'b' } })])).toBe(
    true,
  )
  expect(sameServices([aService()], [aService({ image: 'other' })])).toBe(false)
  expect(sameServices([aService()], [aService({ replicas: 2 })])).toBe(false)
  expect(sameServices([aService()], [])).toBe(false)
})

test('restart takes a service by name, else all services of an app', () => {
  const services = [aService(), aService({ id: 's2', labels: { 'lab.service': 'db' } })]
  expect(chosen(services, 'db').map(({ id }) => id)).toEqual(['s2'])
  expect(chosen(services, 'shop')).toHaveLength(2)
  expect(() => chosen(services, 'wed')).toThrow(UsageError)
})

test('a forced update asks for new tasks and changes nothing else', () => {
  const spec = { Name: 'a', TaskTemplate: { ContainerSpec: { Image: 'x' }, ForceUpdate: 3 } }
  expect(forced(spec)).toEqual({ Name: 'a', TaskTemplate: { ContainerSpec: { Image: 'x' }, ForceUpdate: 4 } })
})

test('lines of both streams are joined in their order, and a frame cut short is what it is', () => {
  const frame = (stream: number, text: string) => {
    const head = Buffer.alloc(8)
    head[0] = stream
    head.writeUInt32BE(Buffer.byteLength(text), 4)
    return Buffer.concat([head, Buffer.from(text)])
  }
  expect(joinFrames(Buffer.concat([frame(1, 'out\n'), frame(2, 'err ü\n')]))).toBe('out\nerr ü\n')
  expect(joinFrames(frame(1, 'whole').subarray(0, 10))).toBe('wh')
})
