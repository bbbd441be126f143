import type { Connection } from '../model/connection.ts'
import type { ReplicaState, VolumeTending } from '../model/volume-tending.ts'
import { LabError } from '../model/errors.ts'
import { checkNames } from './driver-name.ts'
import { VOLUME_PATHS } from './node/paths.ts'
import { driverError, failure, runCommand } from './run-command.ts'

/** How long replicas wait for a move that does not go on. */
const HOLD_SECONDS = 60
/** A hook may take half a minute before and after a snapshot, and another snapshot may be waited for. */
const SNAPSHOT_DEADLINE_MS = 240_000

/** What the node at the other end of a connection does by itself for its volumes. */
export function openTending(connection: Connection): VolumeTending {
  const tend = (...argv: readonly string[]) => runCommand(connection, [VOLUME_PATHS.tend, ...argv])
  return {
    setOrders: async (volume, orders) => {
      checkNames(volume)
      const argv = [VOLUME_PATHS.tend, 'orders', volume]
      const { status, stderr } = await connection.exec({ argv, stdin: orders ?? '' })
      if (status !== 0) throw driverError(connection.node, argv.join(' '), status, stderr)
    },
    replicas: async () => readReplicas(await tend('status')),
    arrived: async (volume) => {
      checkNames(volume)
      const [snapshot = '', age = ''] = (await tend('arrived', volume)).trim().split(' ')
      if (snapshot === '') return undefined
      return { snapshot, ageMs: Number(age) < 0 ? undefined : Number(age) * 1000 }
    },
    endArrival: async (volume) => {
      checkNames(volume)
      await tend('end-arrival', volume)
    },
    hold: async (volume) => {
      checkNames(volume)
      await tend('hold', volume, String(HOLD_SECONDS))
    },
    release: async (volume) => {
      checkNames(volume)
      await tend('release', volume)
    },
    snapshot: async (volume, snapshot) => {
      checkNames(volume, snapshot)
      const argv = [VOLUME_PATHS.tend, 'snapshot', volume, snapshot]
      const { status, stdout, stderr } = await connection.exec({ argv, timeoutMs: SNAPSHOT_DEADLINE_MS })
      const remark = stdout.trim()
      if (status === 0) return remark === '' ? undefined : `${volume}@${snapshot} was taken, but ${remark}`
      const said = stderr.trim().replace(/^volume-tend: /, '')
      if (!said.includes('the hook before the snapshot')) {
        throw await failure(connection, argv.join(' '), status, stderr)
      }
      throw new LabError('HOOK_FAILED', `${volume}@${snapshot} was not taken: ${said}`, {
        where: connection.node,
        hint: `lab volume schedule ${volume} --pre COMMAND (or --no-hooks), then run this again`,
      })
    },
  }
}

/** Pure: the lines of `volume-tend status` about replicas. */
function readReplicas(text: string): readonly ReplicaState[] {
  return text.split('\n').flatMap((line): ReplicaState[] => {
    const [kind, volume = '', node = '', every, snapshot = '-', age = '-', base, bytes, ...words] = line.split(' ')
    if (kind !== 'replica') return []
    const trouble = words.join(' ').trim()
    return [
      {
        volume,
        node,
        everyMs: Number(every),
        snapshot: snapshot === '-' ? undefined : snapshot,
        // A clock that was put back makes nothing younger than now.
        ageMs: age === '-' ? undefined : Math.max(0, Number(age) * 1000),
        whole: base === 'all',
        bytes: Number(bytes),
        trouble: trouble === '' ? undefined : trouble,
      },
    ]
  })
}
