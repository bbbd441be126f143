import type { Connection } from '../../src/model/connection.ts'

const POOLS = {
  btrfs: `mkdir -p /srv/pool
truncate -s 200M /var/lib/lab/test-btrfs.img
mkfs.btrfs -q -m single /var/lib/lab/test-btrfs.img
mount -o loop /var/lib/lab/test-btrfs.img /srv/pool`,
  zfs: `systemd-run -q --unit=test-zfs /usr/sbin/zfs-fuse --no-daemon
n=0
until zpool list >/dev/null 2>&1; do [ $((n += 1)) -lt 200 ]; sleep 0.05; done
truncate -s 200M /var/lib/lab/test-zfs.img
zpool create -m none tank /var/lib/lab/test-zfs.img`,
} as const

/** A pool of 200 MiB in a file: btrfs at `/srv/pool`, or the ZFS pool `tank`, mounted nowhere. It ends with the node. */
export async function startPool(connection: Connection, kind: keyof typeof POOLS): Promise<void> {
  const { status, stderr } = await connection.script(`set -e\nmkdir -p /var/lib/lab\n${POOLS[kind]}`)
  if (status !== 0) throw new Error(`there is no ${kind} pool: ${stderr}`)
}
