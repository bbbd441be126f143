import { expect, test } from 'vitest'
import {
  escapeDollars,
  parseComposeConfig,
  type ComposeConfig,
  type ComposeService,
} from '../../src/apps/compose-config.ts'
import type { StackInputs } from '../../src/apps/stack-file.ts'
import { toStack } from '../../src/apps/transform.ts'
import { stackInputs } from './compose.ts'

function stackOf(service: ComposeService, more: Partial<ComposeConfig> = {}, change: Partial<StackInputs> = {}) {
  const config: ComposeConfig = { name: 'shop', services: { web: { image: 'x', ...service } }, ...more }
  const stack = toStack(config, stackInputs(config, change))
  return { stack, web: stack.services['web'] as Record<string, unknown> & { deploy: Record<string, unknown> } }
}

test('a plain service gets its image, the overlay with its names, logging, and a place on a worker', () => {
  const { stack, web } = stackOf({ entrypoint: null, command: null, networks: { default: null } })
  expect(web).toMatchObject({
    image: 'registry/web@sha256:1',
    networks: { default: { aliases: ['web.lab.local'] } },
    logging: { driver: 'syslog' },
    deploy: {
      mode: 'replicated',
      replicas: 1,
      endpoint_mode: 'dnsrr',
      placement: { constraints: ['node.labels.lab.role.worker==true'] },
      restart_policy: { condition: 'any', delay: '200ms' },
      update_config: { order: 'start-first', failure_action: 'rollback' },
    },
  })
  expect(web).not.toHaveProperty('entrypoint')
  expect(web).not.toHaveProperty('command')
  expect(stack.networks).toEqual({ default: { external: true, name: 'lab' } })
})

test('published ports are routes of the edge, those of the node are ports with numbers', () => {
  const { web } = stackOf({
    ports: [
      { mode: 'ingress', target: 80, published: '8001', protocol: 'tcp' },
      { mode: 'host', target: 53, published: '5353', protocol: 'udp' },
    ],
    labels: { 'lab.edge.protocol': 'tcp' },
  })
  expect(web['ports']).toEqual([{ mode: 'host', target: 53, published: 5353, protocol: 'udp' }])
  expect(web.deploy['labels']).toMatchObject({ 'lab.routes': '[{"port":8001,"target":80,"protocol":"tcp"}]' })
  expect(web.deploy['update_config']).toMatchObject({ order: 'stop-first' })
})

test('a named volume is a bind of a path its owner alone has, on its owner, locked by a port', () => {
  const mount = { type: 'volume', source: 'data', target: '/data', volume: {} }
  const { stack, web } = stackOf(
    { volumes: [mount], deploy: { update_config: { order: 'start-first' } } },
    { volumes: { data: {} } },
  )
  expect(stack.volumes).toMatchObject({
    data: { name: 'shop-data', driver_opts: { type: 'none', o: 'bind', device: '/run/lab/volumes/shop-data' } },
  })
  expect(web['ports']).toEqual([{ mode: 'host', target: 40001, published: 40001, protocol: 'udp' }])
  expect(web.deploy).toMatchObject({
    placement: { constraints: ['node.labels.lab.role.worker==true', 'node.labels.lab.volume.shop-data==here'] },
    labels: { 'lab.volume': 'shop-data' },
    update_config: { order: 'stop-first' },
    rollback_config: { order: 'stop-first' },
  })
})

test('limits of the older keys go where Swarm has them, CPUs as text', () => {
  const { web } = stackOf({
    cpus: 0.5,
    mem_limit: '104857600',
    pids_limit: 100,
    deploy: { resources: { reservations: { cpus: 0.1 } } },
  })
  expect(web.deploy['resources']).toEqual({
    limits: { cpus: '0.5', memory: '104857600', pids: 100 },
    reservations: { cpus: '0.1' },
  })
})

test.each([
  ['no', { condition: 'none', delay: '200ms' }],
  ['always', { condition: 'any', delay: '200ms' }],
  ['on-failure:3', { condition: 'on-failure', delay: '200ms', max_attempts: 3 }],
])('restart: %s is a restart policy', (restart, policy) => {
  expect(stackOf({ restart }).web.deploy['restart_policy']).toEqual(policy)
})

test('a check without an interval runs every second, one with an interval as asked', () => {
  const test_ = ['CMD', 'true']
  expect(stackOf({ healthcheck: { test: test_ } }).web['healthcheck']).toEqual({ test: test_, interval: '1s' })
  expect(stackOf({ healthcheck: { test: test_, interval: '9s' } }).web['healthcheck']).toMatchObject({ interval: '9s' })
  expect(stackOf({ healthcheck: { disable: true } }).web['healthcheck']).toEqual({ disable: true })
})

test("an image's own check without an interval runs every second too", () => {
  const images = new Map([['web', { reference: 'r', checksWithoutInterval: true, source: { tags: [] } }]])
  expect(stackOf({}, {}, { images }).web['healthcheck']).toEqual({ interval: '1s' })
})

test('a service carries where its image came from, for a registry that loses it', () => {
  const source = { tags: ['latest', 'k'], key: 'k' }
  const images = new Map([['web', { reference: 'r', checksWithoutInterval: false, source }]])
  expect(stackOf({}, {}, { images }).web.deploy['labels']).toMatchObject({ 'lab.image': JSON.stringify(source) })
})

test('tmpfs and shm_size are tmpfs mounts of that size', () => {
  expect(stackOf({ tmpfs: ['/run:size=10m'], shm_size: '67108864' }).web['volumes']).toEqual([
    { type: 'tmpfs', target: '/run', tmpfs: { size: 10_485_760 } },
    { type: 'tmpfs', target: '/dev/shm', tmpfs: { size: 67_108_864 } },
  ])
})

test('what Swarm would refuse is not passed on', () => {
  const { web } = stackOf({
    depends_on: { db: {} },
    pull_policy: 'always',
    platform: 'linux/amd64',
    develop: {},
    build: { context: '.' },
    extra_hosts: ['db=10.0.0.1'],
  })
  for (const key of ['depends_on', 'pull_policy', 'platform', 'develop', 'build']) expect(web).not.toHaveProperty(key)
  expect(web['extra_hosts']).toEqual(['db:10.0.0.1'])
})

test('replicas set by scale stay until the file says another number', () => {
  const scaled = new Map([['web', { replicas: 3, fileReplicas: 1 }]])
  expect(stackOf({}, {}, { scaled }).web.deploy).toMatchObject({
    replicas: 3,
    labels: { 'lab.replicas': '1', 'lab.scaled': '3' },
  })
  const changed = stackOf({ deploy: { replicas: 2 } }, {}, { scaled }).web.deploy
  expect(changed['replicas']).toBe(2)
  expect(changed['labels']).not.toHaveProperty(['lab.scaled'])
})

test('a job has neither updates nor endless restarts', () => {
  const { deploy } = stackOf({ deploy: { mode: 'replicated-job' } }).web
  expect(deploy).not.toHaveProperty('update_config')
  expect(deploy['restart_policy']).toMatchObject({ condition: 'on-failure' })
})

test('private networks are overlays of their own, and only those listed are joined', () => {
  const { stack, web } = stackOf({ networks: { back: null } }, { networks: { back: { internal: true, ipam: {} } } })
  expect(web['networks']).toEqual({ back: { aliases: ['web.lab.local'] } })
  expect(stack.networks['back']).toMatchObject({
    name: 'shop_back',
    driver: 'overlay',
    internal: true,
    driver_opts: { 'com.docker.network.driver.mtu': '1450' },
  })
})

test('configs and secrets are taken by the names their contents have', () => {
  const { stack, web } = stackOf(
    { configs: [{ source: 'a', mode: 288 }], secrets: [{ source: 's', target: '/run/secrets/s' }] },
    {},
    { configs: new Map([['a', 'shop_a_1234']]), secrets: new Map([['s', 'shop_s_5678']]) },
  )
  expect(stack.configs).toEqual({ a: { external: true, name: 'shop_a_1234' } })
  expect(stack.secrets).toEqual({ s: { external: true, name: 'shop_s_5678' } })
  expect(web['configs']).toEqual([{ source: 'a', mode: 288 }])
  expect(web['secrets']).toEqual([{ source: 's', target: 's' }])
})

test('extensions of volumes come from the YAML, as the JSON has none', () => {
  const json = '{"name":"a","services":{},"volumes":{"data":{"name":"a_data"},"other":{"name":"a_other"}}}'
  const yaml = 'volumes:\n  data:\n    name: a_data\n    x-lab:\n      limit: 2GiB\n      hooks: { pre: echo $$HOME }\n'
  expect(parseComposeConfig(json, yaml).volumes).toEqual({
    data: { name: 'a_data', 'x-lab': { limit: '2GiB', hooks: { pre: 'echo $HOME' } } },
    other: { name: 'a_other' },
  })
})

test('a dollar sign survives both tools', () => {
  const config = parseComposeConfig('{"name":"a","services":{"web":{"image":"x","command":["echo","$$HOME"]}}}')
  expect(config.services['web']?.command).toEqual(['echo', '$HOME'])
  expect(escapeDollars(config).services['web']?.command).toEqual(['echo', '$$HOME'])
})
