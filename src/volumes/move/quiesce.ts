import { LabError } from '../../model/errors.ts'
import type { FenceOptions, LocalSnapshot, NodeVolumes, VolumeHolder, VolumeRecord } from '../../model/volume.ts'
import type { VolumeService } from '../../model/volume-service.ts'

/** Beyond the time a service may take to stop: the engine's own delays, and removing the container. */
const STOP_MARGIN_S = 20

/**
 * Waits until nothing on the source uses the volume: no task, no container started by hand, no shell in its
 * directory. Then the source gives it up, and takes a snapshot if one is asked for; returned is that, or undefined when there
 * is nothing to take it of. Throws `VOLUME_IN_USE`, naming the users, when they do not go away.
 */
export async function fenceSource(
  source: NodeVolumes,
  record: VolumeRecord,
  service: VolumeService | undefined,
  progress: (line: string) => void,
  options: FenceOptions,
): Promise<LocalSnapshot | undefined> {
  const waitSeconds = Math.ceil((service?.stopGraceMs ?? 0) / 1000) + STOP_MARGIN_S
  progress(`waiting until nothing on ${source.node} uses ${record.name}`)
  const { holders, snapshot } = await source.fence(record.name, record.epoch, waitSeconds, options)
  if (holders.length === 0) return snapshot
  throw new LabError(
    'VOLUME_IN_USE',
    `after ${String(waitSeconds)} s ${record.name} is still used on ${source.node}: ${describeHolders(holders)}`,
    {
      where: source.node,
      hint: `end it (lab ssh ${source.node}), then run the same command again`,
    },
  )
}

/** Pure: who uses a volume, one entry a process. */
export function describeHolders(holders: readonly VolumeHolder[]): string {
  const entries = holders.map(({ kind, pid, command, path }) =>
    kind === 'local' ? `a mount at ${path}` : `${command} (process ${String(pid)}, ${path})`,
  )
  const shown = [...new Set(entries)]
  const rest = shown.length > 5 ? ` and ${String(shown.length - 5)} more` : ''
  return shown.slice(0, 5).join(', ') + rest
}
