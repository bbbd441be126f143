import type { Connection } from '../../src/model/connection.ts'
import { NODE_PATHS } from '../../src/model/names.ts'
import type { VolumeDriverName } from '../../src/model/volume.ts'
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

/** What a move does on a node, through its connection. */
export async function nodeVolumes(connection: Connection, driver: VolumeDriverName) {
  return openNodeVolumes(connection, await loadDriver(driver, connection))
}

async function makePool(connection: Connection, driver: VolumeDriverName): Promise<void> {
  await sh(connection, 'mkdir -p /usr/local/lib/lab')
  for (const script of volumeScripts(driver)) await connection.writeFile(script.path, script.content, script.mode)
  await sh(connection, `set -e; mkdir -p ${NODE_PATHS.pool}; ${POOLS[driver]}; ${VOLUME_PATHS.driver} layout`)
}

/** A key of their own between the two, as the playbook sets it up. */
export async function joinForTransfers(pair: PoolPair): Promise<void> {
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
  await pair.to.connection.writeFile('/root/.ssh/authorized_keys2', `${transferAuthorizedKey(key)}\n`, 0o600)
}

/** Runs a script that must succeed; returns what it printed, trimmed. */
export async function sh(connection: Connection, script: string): Promise<string> {
  const { status, stdout, stderr } = await connection.script(script)
  if (status !== 0) throw new Error(`status ${String(status)}: ${stderr}${stdout}`)
  return stdout.trim()
}
