import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { Connection } from '../../../src/model/connection.ts'
import { NODE_PATHS } from '../../../src/model/names.ts'
import type { LocalSnapshot, LocalVolume, VolumeDriver, VolumeDriverName } from '../../../src/model/volume.ts'

/** A node with a pool and the volume scripts on it, and the driver under test there. */
export interface PoolNode {
  readonly connection: Connection
  readonly driver: VolumeDriver
}

/** Two such nodes. */
export interface PoolPair {
  readonly from: PoolNode
  readonly to: PoolNode
  close(): Promise<void>
}

/** What the cases of a contract work with: two pools, and a volume of a new name for each case. */
export interface DriverBench {
  readonly name: VolumeDriverName
  readonly from: PoolNode
  readonly to: PoolNode
  readonly volume: string
  /** Where the live copy is. */
  readonly live: (volume?: string) => string
  /** Runs a script that must succeed; what it printed, trimmed. */
  readonly sh: (node: PoolNode, script: string) => Promise<string>
  readonly find: (node: PoolNode, volume?: string) => Promise<LocalVolume | undefined>
  /** Names of the volume's snapshots. */
  readonly names: (node: PoolNode, volume?: string) => Promise<readonly string[]>
  readonly streamOf: (snapshot: string, since?: string) => Promise<Buffer>
  readonly give: (bytes: Uint8Array, snapshot: string) => Promise<LocalSnapshot>
  /** Copies a snapshot over and returns what arrived. */
  readonly copy: (snapshot: string, since?: string) => Promise<LocalSnapshot>
  /** Expects a snapshot to be the same tree on both nodes. */
  readonly sameTree: (snapshot: string) => Promise<boolean>
}

/** Opens the pools once, before the first case; destroys each case's volume, and its clones `VOLUME-*`, after it. */
export function openBench(name: VolumeDriverName, open: () => Promise<PoolPair>): DriverBench {
  let pair: PoolPair | undefined
  let volume = ''
  let counter = 0
  const nodes = () => {
    if (pair === undefined) throw new Error('the pools are not open yet')
    return pair
  }
  beforeAll(async () => {
    pair = await open()
  })
  afterAll(() => pair?.close())
  beforeEach(() => {
    volume = `contract-${String(++counter)}-${randomBytes(3).toString('hex')}`
    const used = volume
    return async () => {
      const { from, to } = nodes()
      for (const { driver } of [from, to]) {
        for (const each of await driver.list()) if (each.name.startsWith(used)) await driver.destroy(each.name)
      }
    }
  })
  const find = async (node: PoolNode, wanted = volume) =>
    (await node.driver.list()).find((each) => each.name === wanted)
  const give = (bytes: Uint8Array, snapshot: string) =>
    nodes().to.driver.receive(volume, snapshot, Readable.from([bytes]))
  return {
    name,
    get from() {
      return nodes().from
    },
    get to() {
      return nodes().to
    },
    get volume() {
      return volume
    },
    live: (wanted = volume) => `${NODE_PATHS.pool}/live/${wanted}`,
    sh: async ({ connection }, script) => {
      const { status, stdout, stderr } = await connection.script(script)
      if (status !== 0) throw new Error(`status ${String(status)}: ${stderr}${stdout}`)
      return stdout.trim()
    },
    find,
    names: async (node, wanted = volume) => (await find(node, wanted))?.snapshots.map((each) => each.name) ?? [],
    streamOf: async (snapshot, since) => buffer(await nodes().from.driver.send(volume, snapshot, since)),
    give,
    copy: async (snapshot, since) => {
      const { from, to } = nodes()
      return to.driver.receive(volume, snapshot, await from.driver.send(volume, snapshot, since))
    },
    sameTree: async (snapshot) => {
      const { from, to } = nodes()
      const [ours, theirs] = await Promise.all([from, to].map(({ driver }) => driver.digest(volume, snapshot)))
      return ours === theirs
    },
  }
}
