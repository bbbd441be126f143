import type { VolumeDriverName } from '../model/volume.ts'
import { BTRFS_SCRIPT } from './node/btrfs-script.ts'
import { VOLUME_PATHS } from './node/paths.ts'
import { RECEIVE_SCRIPT } from './node/receive.ts'
import { SEND_SCRIPT } from './node/send.ts'
import { SERVE_SCRIPT } from './node/serve.ts'
import { STREAM_SCRIPT } from './node/stream.ts'
import { TEND_SCRIPT } from './node/tend.ts'
import { TEND_UNIT } from './node/tend-unit.ts'
import { ZFS_SCRIPT } from './node/zfs-script.ts'

export { VOLUME_PATHS } from './node/paths.ts'
export { transferAuthorizedKey, transferConfig, transferKnownHosts } from './node/ssh-files.ts'
export { ZFS_POOL } from './node/zfs-lines.ts'

/** A script that volumes need on a worker. */
export interface NodeScript {
  readonly path: string
  /** Octal, like 0o755. */
  readonly mode: number
  readonly content: string
}

const DRIVER_SCRIPTS: Readonly<Record<VolumeDriverName, string>> = { btrfs: BTRFS_SCRIPT, zfs: ZFS_SCRIPT }

/** Every script a worker needs with a driver. Once the pool is mounted, `volume-driver layout` must have run. */
export function volumeScripts(driver: VolumeDriverName): readonly NodeScript[] {
  return [
    { path: VOLUME_PATHS.receive, mode: 0o755, content: RECEIVE_SCRIPT },
    { path: VOLUME_PATHS.send, mode: 0o755, content: SEND_SCRIPT },
    { path: VOLUME_PATHS.stream, mode: 0o755, content: STREAM_SCRIPT },
    { path: VOLUME_PATHS.serve, mode: 0o755, content: SERVE_SCRIPT },
    { path: VOLUME_PATHS.tend, mode: 0o755, content: TEND_SCRIPT },
    { path: VOLUME_PATHS.tendUnit, mode: 0o644, content: TEND_UNIT },
    { path: VOLUME_PATHS.driver, mode: 0o755, content: DRIVER_SCRIPTS[driver] },
  ]
}
