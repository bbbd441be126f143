import type { ContainerInspectInfo } from 'dockerode'
import { expect, test } from 'vitest'
import type { LabIdentity } from '../../src/model/lab-spec.ts'
import type { LabSnapshot } from '../../src/model/snapshot.ts'
import { containerOptions, nodeLabels } from '../../src/providers/docker/machine.ts'
import {
  filesVolume,
  isSnapshotImage,
  manifestVolume,
  NODE_VOLUMES,
  nodeVolume,
  readManifest,
  savedVolume,
  snapshotImage,
  stagedVolume,
} from '../../src/providers/docker/snapshot/names.ts'
import { savedMachine } from '../../src/providers/docker/snapshot/save.ts'

const LAB: LabIdentity = { id: 'classic-0a1b2c', name: 'classic', directory: '/somewhere', stateDirectory: '/x' }

test('what a machine was created with is read back from its container', () => {
  const request = {
    node: { name: 'mgmt', roles: [], memoryBytes: 2 ** 31, cpus: 1.5, vars: {} },
    address: '10.70.3.11',
    hostname: 'mgmt',
    hostKey: { privateKey: 'PRIVATE', publicKey: 'PUBLIC' },
    authorizedKey: 'KEY',
    specDigest: 'abc',
  }
  const { Labels, HostConfig } = containerOptions(LAB, request, 'image', { Privileged: true })
  // As the engine shows it: with every label, and with nothing for limits that were not given.
  const NetworkSettings = {
    Networks: {
      [LAB.id]: { IPAMConfig: { IPv4Address: '10.70.3.11' }, IPAddress: '' },
      [`${LAB.id}-storage`]: { IPAMConfig: { IPv4Address: '10.80.7.11' }, IPAddress: '' },
    },
  }
  const inspected = { Config: { Labels }, HostConfig, NetworkSettings } as unknown as ContainerInspectInfo
  expect(savedMachine(LAB, inspected)).toEqual({
    name: 'mgmt',
    address: '10.70.3.11',
    networks: { storage: '10.80.7.11' },
    specDigest: 'abc',
    memoryBytes: 2 ** 31,
    cpus: 1.5,
  })
  const unlimited = {
    Config: { Labels },
    HostConfig: { ...HostConfig, Memory: 0, NanoCpus: 0 },
    NetworkSettings: { Networks: {} },
  }
  expect(savedMachine(LAB, unlimited as unknown as ContainerInspectInfo)).toMatchObject({
    memoryBytes: undefined,
    cpus: undefined,
  })
})

test('no name of a snapshot is ever that of a node, of another snapshot or of another lab', () => {
  const words = ['a', 'b', 'files', 'docker', 'state', 'staged', 'restoring', 'a-b']
  const seen = new Map<string, string>()
  const take = (name: string, what: string) => {
    expect(seen.get(name) ?? what).toBe(what)
    expect(name).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/)
    seen.set(name, what)
  }
  for (const lab of [LAB, { ...LAB, id: 'classic-0a1b2c-a' }]) {
    for (const first of words) {
      take(manifestVolume(lab, first), `${lab.id} manifest ${first}`)
      take(filesVolume(lab, first), `${lab.id} files ${first}`)
      for (const volume of NODE_VOLUMES) {
        take(nodeVolume(lab, first, volume), `node volumes ${nodeVolume(lab, first, volume)}`)
        for (const second of words) {
          take(savedVolume(lab, first, second, volume), `${lab.id} saved ${first} ${second} ${volume}`)
          take(stagedVolume(lab, first, second, volume), `${lab.id} staged ${first} ${second} ${volume}`)
        }
      }
    }
  }
})

test('images of snapshots are told from those lab builds', () => {
  expect(isSnapshotImage([snapshotImage(LAB, 'before', 'node1')])).toBe(true)
  expect(isSnapshotImage(['lab-node:0123456789ab'])).toBe(false)
  expect(isSnapshotImage(['<none>:<none>'])).toBe(false)
  expect(isSnapshotImage(null)).toBe(false)
})

test('a volume without a manifest is no snapshot', () => {
  const snapshot: LabSnapshot = {
    name: 'before',
    createdAt: '2026-01-02T03:04:05.000Z',
    subnet: '10.70.3.0/24',
    machines: [],
    sizeBytes: 1,
    sharedBytes: 2,
  }
  expect(readManifest({ 'lab.snapshot.manifest': JSON.stringify(snapshot) })).toEqual(snapshot)
  expect(readManifest({ ...nodeLabels(LAB, 'node1'), 'lab.snapshot': 'before' })).toBeUndefined()
  expect(readManifest(null)).toBeUndefined()
})
