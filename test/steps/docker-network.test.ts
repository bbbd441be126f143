import { expect, test } from 'vitest'
import type { EngineNetwork } from '../../src/facts/engine.ts'
import { dockerNetwork } from '../../src/steps/docker-network.ts'
import { engine } from './engine-case.ts'
import { consider } from './step-case.ts'

const overlay = dockerNetwork({ name: 'lab', driver: 'overlay', subnet: '10.99.16.0/20', linkMtu: 1500 })
const present: EngineNetwork = {
  name: 'lab',
  driver: 'overlay',
  attachable: true,
  internal: false,
  subnets: ['10.99.16.0/20'],
  options: { 'com.docker.network.driver.mtu': '1500', 'com.docker.network.driver.overlay.vxlanid_list': '4097' },
}
const seen = (change: Partial<EngineNetwork> = {}) =>
  consider(overlay, { engine: engine({ networks: new Map([['lab', { ...present, ...change }]]) }) })

test('a missing overlay is made so that single containers can join it', async () => {
  const { commands } = await consider(overlay, { engine: engine() })
  // The second waits until the swarm has given it what the facts compare.
  expect(commands.map(({ argv }) => argv[0])).toEqual(['sh', 'timeout'])
  expect(JSON.parse(String(commands[0]?.stdin))).toEqual({
    Name: 'lab',
    Driver: 'overlay',
    Attachable: true,
    IPAM: { Config: [{ Subnet: '10.99.16.0/20' }] },
    Options: { 'com.docker.network.driver.mtu': '1500' },
  })
})

test('one that is there is left alone, whatever the engine noted with it', async () => {
  expect((await seen()).changes).toEqual([])
})

test('each thing that differs is named, and the network is made anew', async () => {
  const { changes, commands } = await seen({ attachable: false, subnets: ['10.1.0.0/24'], options: {} })
  expect(changes).toEqual([
    { path: 'attachable', from: 'false', to: 'true' },
    { path: 'subnet', from: '10.1.0.0/24', to: '10.99.16.0/20' },
    { path: 'mtu of the link', from: 'default', to: '1500' },
  ])
  expect(commands.map(({ argv }) => argv.at(-2))).toEqual(['DELETE', 'POST', 'allocated'])
})

test('a bridge is of one engine, so nothing attaches to it from elsewhere', async () => {
  const bridge = dockerNetwork({ name: 'lab-edge', driver: 'bridge', subnet: '10.88.255.0/24', linkMtu: 1400 })
  const { commands } = await consider(bridge, { engine: engine() })
  expect(JSON.parse(String(commands[0]?.stdin))).toMatchObject({ Driver: 'bridge', Attachable: false })
})

test('what is not said is left to the engine, and one that must not be there is removed', async () => {
  const networks = new Map([['lab', present]])
  const short = dockerNetwork({ name: 'lab', driver: 'overlay' })
  expect((await consider(short, { engine: engine({ networks }) })).changes).toEqual([])
  const absent = dockerNetwork({ name: 'lab', absent: true })
  expect((await consider(absent, { engine: engine() })).changes).toEqual([])
  const { commands } = await consider(absent, { engine: engine({ networks }) })
  expect(commands.map(({ argv }) => argv.slice(-2))).toEqual([
    ['DELETE', '/networks/lab'],
    ['gone', 'lab'],
  ])
})
