import { describe, expect, test } from 'vitest'
import { LABELS } from '../../src/model/names.ts'
import { engineAddress, openEngine } from '../../src/providers/docker/engine.ts'
import { createProvider } from '../../src/providers/docker.ts'
import { hostSubnets } from '../../src/providers/docker/host-networks.ts'
import { lastingLoops } from '../../src/providers/docker/loop-devices.ts'
import { providerContract } from './provider.ts'

providerContract({
  name: 'docker',
  create: createProvider,
  leftovers: async (lab) => {
    const engine = openEngine(await engineAddress())
    const filters = { label: [`${LABELS.lab}=${lab.id}`] }
    const [containers, { Volumes }, networks, images, loops] = await Promise.all([
      engine.listContainers({ all: true, filters }),
      engine.listVolumes({ filters }),
      engine.listNetworks({ filters }),
      engine.listImages({ filters }),
      lastingLoops(),
    ])
    return [
      ...containers.map(({ Id }) => `container ${Id}`),
      ...Volumes.map(({ Name }) => `volume ${Name}`),
      ...networks.map(({ Name }) => `network ${Name}`),
      ...images.map(({ Id }) => `image ${Id}`),
      ...loops.map(({ device, file }) => `loop device ${device} on ${file}`),
    ]
  },
})

describe('networks of the host', () => {
  test('those of the engine and of the interfaces are among them', async () => {
    const engine = openEngine(await engineAddress())
    const bridge = (await engine.listNetworks()).find(({ Name }) => Name === 'bridge')
    const subnet = bridge?.IPAM?.Config?.[0]?.Subnet
    expect(await hostSubnets(engine)).toContain(subnet)
  })
})
