import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { Connection } from '../../src/model/connection.ts'
import { NODE_PATHS } from '../../src/model/names.ts'
import type { NodeVolumes, VolumeDriverName } from '../../src/model/volume.ts'
import { loadDriver } from '../../src/volumes/load-driver.ts'
import { openNodeVolumes } from '../../src/volumes/node-volumes.ts'
import {
  transferAuthorizedKey,
  transferConfig,
  transferKnownHosts,
  VOLUME_PATHS,
  volumeScripts,
  ZFS_POOL,
} from '../../src/volumes/node-scripts.ts'
import { startNodes } from '../node-fixture.ts'
import type { PoolPair } from '../contracts/volume-driver.ts'

const IMAGE = `${NODE_PATHS.state}/pool.img`
const POOLS: Readonly<Record<VolumeDriverName, string>> = {
  btrfs: `truncate -s 3G ${IMAGE}; mkfs.btrfs -q -m single ${IMAGE}; mount -o loop ${IMAGE} ${NODE_PATHS.pool}`,
  zfs: `systemd-run --quiet --unit=zfs-pool /usr/sbin/zfs-fuse --no-daemon
n=0; until zpool list >/dev/null 2>&1; do n=$((n+1)); [ $n -lt 100 ]; sleep 0.1; done
truncate -s 3G ${IMAGE}; zpool create -m none ${ZFS_POOL} ${IMAGE}`,
}

/** Two fresh nodes with a pool and the volume scripts each. */
export async function startPoolPair(driver: VolumeDriverName): Promise<PoolPair> {
  const nodes = await startNodes('node1', 'node2')
  try {
    const [from, to] = await Promise.all(
      (['node1', 'node2'] as const).map(async (name) => {
        const connection = await nodes.connect(name)
        await makePool(connection, driver)
        return { connection, driver: await loadDriver(driver, connection) }
      }),
    )
    if (from === undefined || to === undefined) throw new Error('two nodes were started')
    return { from, to, close: () => nodes.destroy() }
  } catch (error) {
    await nodes.destroy()
    throw error
  }
}

/** What the tests of a file share: the nodes of all of them, and the volume of the one that runs. */
export interface SharedPair {
  readonly pair: PoolPair
  readonly source: NodeVolumes
  readonly target: NodeVolumes
  /** Made on the source for each test, and gone from both after it with all that was set up for it. */
  readonly volume: string
  /** Runs a script on the source that must succeed; returns what it printed, trimmed. */
  readonly onSource: (script: string) => Promise<string>
  readonly onTarget: (script: string) => Promise<string>
}

/** A pair of nodes for all tests of the file that calls it, joined for transfers. */
export function sharedPair(driver: VolumeDriverName): SharedPair {
  let started: PoolPair | undefined
  let volumes: { readonly source: NodeVolumes; readonly target: NodeVolumes } | undefined
  let volume = ''
  const ready = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the nodes are there when the tests run, not before')
    return value
  }
  beforeAll(async () => {
    const pair = (started = await startPoolPair(driver))
    volumes = {
      source: await nodeVolumes(pair.from.connection, driver),
      target: await nodeVolumes(pair.to.connection, driver),
    }
    await joinForTransfers(pair)
  })
  afterAll(() => started?.close())
  beforeEach(async () => {
    const { source, target } = ready(volumes)
    volume = `v-${randomBytes(4).toString('hex')}`
    await source.driver.create(volume)
    return async () => {
      for (const node of [source, target]) {
        await node.tending.setOrders(volume, undefined)
        await node.fence(volume, 1_000_000, 5)
        await node.stopTransfer(volume)
        await node.driver.destroy(volume)
        await node.forget(volume)
      }
    }
  })
  return {
    get pair() {
      return ready(started)
    },
    get source() {
      return ready(volumes).source
    },
    get target() {
      return ready(volumes).target
    },
    get volume() {
      return volume
    },
    onSource: (script) => sh(ready(started).from.connection, script),
    onTarget: (script) => sh(ready(started).to.connection, script),
  }
}

/** What a move does on a node, through its connection. */
async function nodeVolumes(connection: Connection, driver: VolumeDriverName) {
  return openNodeVolumes(connection, await loadDriver(driver, connection))
}

async function makePool(connection: Connection, driver: VolumeDriverName): Promise<void> {
  await sh(connection, 'mkdir -p /usr/local/lib/lab')
  for (const script of volumeScripts(driver)) await connection.writeFile(script.path, script.content, script.mode)
  await sh(connection, `set -e; mkdir -p ${NODE_PATHS.pool}; ${POOLS[driver]}; ${VOLUME_PATHS.driver} layout`)
}

/** A key of their own between the two, as the playbook sets it up. */
async function joinForTransfers(pair: PoolPair): Promise<void> {
  const onSource = (script: string) => sh(pair.from.connection, script)
  const onTarget = (script: string) => sh(pair.to.connection, script)
  await onSource(
    `install -d -m 0700 ${VOLUME_PATHS.transfer}; ssh-keygen -q -t ed25519 -N '' -f ${VOLUME_PATHS.transferKey}`,
  )
  const key = await onSource(`cat ${VOLUME_PATHS.transferKey}.pub`)
  const host = await onTarget('cat /etc/ssh/ssh_host_ed25519_key.pub')
  const address = await onTarget("hostname -I | cut -d' ' -f1")
  const config = transferConfig([{ name: 'node2', address }])
  await pair.from.connection.writeFile(VOLUME_PATHS.transferConfig, config, 0o600)
  await pair.from.connection.writeFile(VOLUME_PATHS.transferKnownHosts, transferKnownHosts({ node2: host }), 0o600)
  await pair.from.connection.writeFile(VOLUME_PATHS.transferBeside, 'yes\n', 0o600)
  await pair.to.connection.writeFile('/root/.ssh/authorized_keys2', `${transferAuthorizedKey(key)}\n`, 0o600)
}

/** Runs a script that must succeed; returns what it printed, trimmed. */
async function sh(connection: Connection, script: string): Promise<string> {
  const { status, stdout, stderr } = await connection.script(script)
  if (status !== 0) throw new Error(`status ${String(status)}: ${stderr}${stdout}`)
  return stdout.trim()
}
