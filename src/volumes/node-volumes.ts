import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import { checkName } from '../model/names.ts'
import type { NodeVolume, NodeVolumes, VolumeDriver, VolumeHolder } from '../model/volume.ts'
import { checkNames } from './driver-name.ts'
import { BUSY, VOLUME_PATHS } from './node/paths.ts'
import { driverError, runCommand } from './run-command.ts'
import { followTransfer, startTransfer, stopTransfer, transferJob } from './transfer.ts'

/** Status of the serving script for an epoch that the node gave up. */
const FENCED = 77
/** What the node may take beyond the time it was told to wait. */
const MARGIN_MS = 60_000

/** The volumes of the node at the other end of a connection. */
export function openNodeVolumes(connection: Connection, driver: VolumeDriver): NodeVolumes {
  const { node } = connection
  const serve = (...argv: readonly string[]) => runCommand(connection, [VOLUME_PATHS.serve, ...argv])

  return {
    node,
    driver,
    state: async () => {
      const [rights, local] = await Promise.all([serve('state'), driver.list()])
      return mergeState(readRights(rights), local)
    },
    grant: async (volume, epoch) => {
      checkNames(volume)
      const argv = [VOLUME_PATHS.serve, 'grant', volume, String(epoch)]
      const { status, stderr } = await connection.exec({ argv })
      if (status === 0) return
      if (status !== FENCED) throw driverError(node, argv.join(' '), status, stderr)
      throw new LabError(
        'EPOCH_FENCED',
        `${node} may not serve ${volume} under epoch ${String(epoch)}: it gave it up`,
        {
          where: node,
          hint: 'another lab command moved the volume in the meantime; look at "lab volumes"',
        },
      )
    },
    fence: async (volume, epoch, waitSeconds, signal) => {
      checkNames(volume)
      const argv = [VOLUME_PATHS.serve, 'fence', volume, String(epoch), String(waitSeconds)]
      const { status, stdout, stderr } = await connection.exec(
        { argv, timeoutMs: waitSeconds * 1000 + MARGIN_MS },
        signal === undefined ? {} : { signal },
      )
      if (status === 0) return []
      const holders = readHolders(stdout)
      if (status === BUSY && holders.length > 0) return holders
      throw driverError(node, argv.join(' '), status, stderr)
    },
    holders: async (volume) => {
      checkNames(volume)
      return readHolders(await serve('holders', volume))
    },
    forget: async (volume) => {
      checkNames(volume)
      await serve('forget', volume)
    },
    transfer: (job, watch) => {
      checkNames(job.volume, job.snapshot, ...(job.since === undefined ? [] : [job.since]))
      checkName('node', job.target)
      return startTransfer(connection, job, watch)
    },
    followTransfer: (volume, watch) => followTransfer(connection, volume, watch),
    transferJob: (volume) => transferJob(connection, volume),
    stopTransfer: (volume) => stopTransfer(connection, volume),
  }
}

interface Rights {
  readonly leases: ReadonlyMap<string, number>
  readonly fences: ReadonlyMap<string, number>
  readonly served: ReadonlySet<string>
}

/** Pure: what `volume-serve state` printed. */
export function readRights(text: string): Rights {
  const leases = new Map<string, number>()
  const fences = new Map<string, number>()
  const served = new Set<string>()
  for (const line of text.split('\n')) {
    const [kind, volume = '', epoch] = line.split(' ')
    if (kind === 'lease') leases.set(volume, Number(epoch))
    if (kind === 'fence') fences.set(volume, Number(epoch))
    if (kind === 'served') served.add(volume)
  }
  return { leases, fences, served }
}

function mergeState(rights: Rights, local: Awaited<ReturnType<VolumeDriver['list']>>): readonly NodeVolume[] {
  const { leases, fences, served } = rights
  const names = new Set([...local.map(({ name }) => name), ...leases.keys(), ...fences.keys(), ...served])
  return [...names].sort().map((name) => ({
    ...(local.find((each) => each.name === name) ?? { name, live: 'absent', snapshots: [] }),
    served: served.has(name),
    leaseEpoch: leases.get(name) ?? 0,
    fencedEpoch: fences.get(name) ?? 0,
  }))
}

/** Pure: lines of `volume-serve holders`. */
export function readHolders(text: string): readonly VolumeHolder[] {
  return text.split('\n').flatMap((line): VolumeHolder[] => {
    const [, kind, pid = '', command = '', path = ''] = /^(mount|local|file) (\d+) (\S+) (.*)$/.exec(line) ?? []
    return kind === undefined ? [] : [{ kind: kind as VolumeHolder['kind'], pid: Number(pid), command, path }]
  })
}

/** What a volume is on a node that has nothing of it. */
export function absentVolume(name: string): NodeVolume {
  return { name, live: 'absent', snapshots: [], served: false, leaseEpoch: 0, fencedEpoch: 0 }
}
