import { expect, test } from 'vitest'
import { engineState } from '../../src/facts/engine.ts'
import { joinToken } from '../../src/facts/join-token.ts'
import { seedImages } from '../../src/facts/seed-images.ts'
import { swarmAcceptance } from '../../src/facts/swarm-acceptance.ts'
import { swarmNodes } from '../../src/facts/swarm-nodes.ts'
import { FactUnavailable } from '../../src/model/step.ts'
import { listed } from '../steps/engine-case.ts'

const answer = (...documents: readonly unknown[]) => ({
  status: 0,
  stdout: documents.map((document) => `${JSON.stringify(document)}\n\n`).join(''),
  stderr: '',
})
const INFO = {
  Swarm: {
    LocalNodeState: 'active',
    ControlAvailable: true,
    Error: '',
    Cluster: {
      Spec: {
        Dispatcher: { HeartbeatPeriod: 1_000_000_000 },
        Orchestration: { TaskHistoryRetentionLimit: 2 },
        CAConfig: { NodeCertExpiry: 90 * 86_400e9 },
      },
    },
  },
}

test("an engine's answers become what steps compare: containers and networks by name, images by tag", () => {
  const state = engineState.parse(
    answer(
      [
        {
          Names: ['/lab-probe'],
          State: 'running',
          ImageID: 'sha256:1',
          Labels: { 'lab.spec': 'd1' },
          NetworkSettings: { Networks: { lab: {} } },
        },
      ],
      [
        { Id: 'sha256:1', RepoTags: ['a:1', 'b:2'] },
        { Id: 'sha256:2', RepoTags: null },
      ],
      [
        {
          Name: 'lab',
          Driver: 'overlay',
          Attachable: true,
          IPAM: { Config: [{ Subnet: '10.1.0.0/20' }] },
          Options: { x: 'y' },
        },
        { Name: 'host', Driver: 'host', Attachable: false, IPAM: { Config: null }, Options: null },
      ],
      INFO,
    ),
  )
  expect(state.swarm).toEqual({
    state: 'active',
    role: 'manager',
    error: '',
    settings: { heartbeatMs: 1000, taskHistory: 2, certificateDays: 90 },
  })
  expect(state.containers.get('lab-probe')).toEqual({
    name: 'lab-probe',
    running: true,
    imageId: 'sha256:1',
    definition: 'd1',
    networks: ['lab'],
  })
  expect([...state.images]).toEqual([
    ['a:1', 'sha256:1'],
    ['b:2', 'sha256:1'],
  ])
  expect(state.networks.get('lab')?.subnets).toEqual(['10.1.0.0/20'])
  expect(state.networks.get('host')).toMatchObject({ subnets: [], options: {} })
})

test('a worker, and a node in no swarm, know no settings', () => {
  const swarm = { ...INFO.Swarm, ControlAvailable: false, Cluster: undefined }
  expect(engineState.parse(answer([], [], [], { Swarm: swarm })).swarm).toMatchObject({
    role: 'worker',
    settings: undefined,
  })
  const outside = { ...swarm, LocalNodeState: 'inactive' }
  expect(engineState.parse(answer([], [], [], { Swarm: outside })).swarm).toMatchObject({
    role: undefined,
  })
})

test('an engine that is stopped, broken off or refusing cannot tell', () => {
  expect(() => engineState.parse({ status: 75, stdout: '', stderr: '' })).toThrow(FactUnavailable)
  expect(() => engineState.parse(answer([], INFO))).toThrow('broke off')
  expect(() => engineState.parse(answer([], { message: 'no' }, [], INFO))).toThrow('no')
  expect(() => swarmNodes.parse(answer({ message: 'not a manager' }))).toThrow('not a manager')
})

test('the question looks for the process first: the socket would start a stopped engine', () => {
  expect(engineState.script.indexOf('/run/docker.pid')).toBeLessThan(engineState.script.indexOf('curl'))
  expect(engineState.script.indexOf('kill -0')).toBeGreaterThan(-1)
})

test('a manager hands out the token of the role that was asked for', () => {
  const swarm = answer({ JoinTokens: { Worker: 'W', Manager: 'M' } })
  expect(joinToken('worker').parse(swarm)).toBe('W')
  expect(joinToken('manager').parse(swarm)).toBe('M')
  expect(() => joinToken('worker').parse(answer({ message: 'This node is not a swarm manager' }))).toThrow(
    FactUnavailable,
  )
})

const managers = [
  { name: 'm1', address: '10.0.0.1' },
  { name: 'm2', address: '10.0.0.2' },
]
const acceptance = swarmAcceptance(managers, '10.0.0.9')

test('the first manager, which lists the node as ready, knows it for a member; all else is to be asked from the node', () => {
  const { elsewhere } = acceptance
  const entry = { hostname: 'here', address: '10.0.0.9' }
  expect(elsewhere?.node).toBe('m1')
  expect(elsewhere?.value([listed({ hostname: 'other' }), listed(entry)])).toBe('member')
  expect(elsewhere?.value([listed({ ...entry, state: 'down' })])).toBeUndefined()
  expect(elsewhere?.value([listed({ ...entry, address: '10.0.0.90' })])).toBeUndefined()
  expect(elsewhere?.value([])).toBeUndefined()
  expect(swarmAcceptance([], '10.0.0.9').elsewhere).toBeUndefined()
})

test.each([
  ['HTTP/2 200 \r\ncontent-type: application/grpc\r\n\r\ngrpc-status: 0\r\ncurl 0\n', 'member'],
  ['HTTP/2 200 \r\ngrpc-status: 5\r\ngrpc-message: NotFound\r\n\r\ncurl 0\n', 'removed'],
  ['curl 60\n', 'another'],
  ['curl 7\ncurl 28\n', 'no answer'],
  ['curl 7\nHTTP/2 200 \r\ngrpc-status: 0\r\n\r\ncurl 0\n', 'member'],
  ['HTTP/2 200 \r\ngrpc-status: 14\r\n\r\ncurl 0\n', 'no answer'],
  ['', 'no answer'],
])('a manager that says %j means: %s', (stdout, meaning) => {
  expect(acceptance.parse({ status: 0, stdout, stderr: '' })).toBe(meaning)
})

test('a node without a certificate has nothing to ask about', () => {
  expect(acceptance.parse({ status: 75, stdout: '', stderr: '' })).toBe('no certificate')
})

test('images of the archive are listed by tag; a node without one has none', () => {
  const listing = 'debian:13 sha256:a\nlab-edge:latest sha256:b\n'
  expect([...seedImages.parse({ status: 0, stdout: listing, stderr: '' })]).toEqual([
    ['debian:13', 'sha256:a'],
    ['lab-edge:latest', 'sha256:b'],
  ])
  expect(seedImages.parse({ status: 0, stdout: '', stderr: '' }).size).toBe(0)
})
