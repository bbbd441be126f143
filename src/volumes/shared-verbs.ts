import { buffer, text } from 'node:stream/consumers'
import type { Connection } from '../model/connection.ts'
import type { VolumeDriver } from '../model/volume.ts'
import { checkNames } from './driver-name.ts'
import { limitText } from './limit.ts'
import { VOLUME_PATHS } from './node/paths.ts'
import { readListing } from './listing.ts'
import { HEALTH_TIMEOUT_MS, readHealth } from './pool-health.ts'
import { failure, runCommand } from './run-command.ts'
import { receiveStream, sendStream } from './streams.ts'

/** Whatever it takes to find out what is to be sent; on ZFS that is to read it. */
const CHANGES_TIMEOUT_MS = 10 * 60_000

type SharedVerb =
  | 'freeze'
  | 'thaw'
  | 'send'
  | 'receive'
  | 'promote'
  | 'demote'
  | 'setLimit'
  | 'clone'
  | 'digest'
  | 'listing'
  | 'health'
  | 'changes'

/** What drivers do entirely through their script on the node. */
export function sharedVerbs(connection: Connection): Pick<VolumeDriver, SharedVerb> {
  const run = (...argv: readonly string[]) => runCommand(connection, [VOLUME_PATHS.driver, ...argv])
  const verb = (action: string, volume: string, ...snapshots: readonly string[]) =>
    driverVerb(connection, action, volume, ...snapshots)
  return {
    freeze: (volume) => verb('freeze', volume),
    thaw: (volume) => verb('thaw', volume),
    send: (volume, snapshot, since) => {
      checkNames(volume, snapshot, ...(since === undefined ? [] : [since]))
      return sendStream(connection, volume, snapshot, since)
    },
    receive: (volume, snapshot, stream) => {
      checkNames(volume, snapshot)
      return receiveStream(connection, volume, snapshot, stream)
    },
    promote: (volume, snapshot) => verb('promote', volume, snapshot),
    demote: (volume, snapshot) => verb('demote', volume, snapshot),
    setLimit: async (volume, bytes) => {
      checkNames(volume)
      await run('limit', volume, bytes === undefined ? '-' : limitText(bytes))
    },
    clone: async (volume, snapshot, as) => {
      checkNames(volume, snapshot)
      checkNames(as)
      await run('clone', volume, snapshot, as)
    },
    digest: async (volume, snapshot) => {
      checkNames(volume, snapshot)
      return (await run('digest', volume, snapshot)).trim()
    },
    listing: async (volume, snapshot) => {
      checkNames(volume, snapshot)
      const argv = [VOLUME_PATHS.driver, 'listing', volume, snapshot]
      // Names are bytes, and need not be text.
      const { stdin, stdout, stderr, exit } = await connection.spawn({ argv })
      stdin.end()
      const [listing, said, status] = await Promise.all([buffer(stdout), text(stderr), exit])
      if (status !== 0) throw await failure(connection, argv.join(' '), status, said)
      return readListing(listing)
    },
    changes: async (volume, since, seconds) => {
      checkNames(volume, ...(since === undefined ? [] : [since]))
      const argv = [VOLUME_PATHS.driver, 'changes', volume, since ?? '-', String(seconds)]
      const said = await runCommand(connection, argv, { timeoutMs: CHANGES_TIMEOUT_MS })
      const [bytes = 0, writtenBytes = 0, overMs = 0] = said.trim().split(' ').map(Number)
      return { bytes, writtenBytes, overMs }
    },
    health: async () => {
      const argv = [VOLUME_PATHS.driver, 'health']
      return readHealth(await runCommand(connection, argv, { timeoutMs: HEALTH_TIMEOUT_MS }))
    },
  }
}

/** Has the script on the node do something with a volume, or with snapshots of it. */
export async function driverVerb(
  connection: Connection,
  action: string,
  volume: string,
  ...snapshots: readonly string[]
): Promise<void> {
  checkNames(volume, ...snapshots)
  await runCommand(connection, [VOLUME_PATHS.driver, action, volume, ...snapshots])
}
