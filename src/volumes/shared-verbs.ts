import type { Connection } from '../model/connection.ts'
import type { VolumeDriver } from '../model/volume.ts'
import { checkNames } from './driver-name.ts'
import { limitText } from './limit.ts'
import { VOLUME_PATHS } from './node/paths.ts'
import { readHealth } from './pool-health.ts'
import { runCommand } from './run-command.ts'

/** What drivers do entirely through their script on the node. */
export function sharedVerbs(connection: Connection): Pick<VolumeDriver, 'setLimit' | 'clone' | 'digest' | 'health'> {
  const run = (...argv: readonly string[]) => runCommand(connection, [VOLUME_PATHS.driver, ...argv])
  return {
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
    health: async () => readHealth(await run('health')),
  }
}
