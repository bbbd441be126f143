import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import { checkName } from '../model/names.ts'
import type { LocalVolume, NodeVolume, NodeVolumes, VolumeDriver, VolumeHolder } from '../model/volume.ts'
import { checkNames } from './driver-name.ts'
import { limitText } from './limit.ts'
import { BUSY, FENCED, VOLUME_PATHS } from './node/paths.ts'
import { failure, runCommand } from './run-command.ts'
import { openTending } from './tending.ts'
import { followTransfer, reaches, startTransfer, stopTransfer, transferJob, transferRate } from './transfer.ts'

/** What the node may take beyond the time it was told to wait. */
const MARGIN_MS = 60_000

/** The volumes of the node at the other end of a connection. */
export function openNodeVolumes(connection: Connection, driver: VolumeDriver): NodeVolumes {
  const { node } = connection
  const serve = (...argv: readonly string[]) => runCommand(connection, [VOLUME_PATHS.serve, ...argv])

  return {
    node,
    driver,
    tending: openTending(connection),
    state: async () => {
      const [rights, local] = await Promise.all([serve('state'), driver.list()])
      const read = readRights(rights)
      return mergeState(read, byOurClock(local, read.now, Date.now()))
    },
    grant: async (volume, epoch, from, limitBytes) => {
      checkNames(volume, ...(from === undefined ? [] : [from]))
      const limit = limitBytes === undefined ? '-' : limitText(limitBytes)
      const verb = ['grant', volume, String(epoch), from ?? '-', limit]
      await changeRights(connection, volume, epoch, verb)
    },
    fence: async (volume, epoch, waitSeconds, { snapshot, signal } = {}) => {
      checkNames(volume, ...(snapshot === undefined ? [] : [snapshot]))
      const verb = ['fence', volume, String(epoch), String(waitSeconds), snapshot ?? '-']
      const { said, holders } = await changeRights(connection, volume, epoch, verb, waitSeconds, signal)
      const identity = said.trim()
      const isTaken = snapshot !== undefined && identity !== ''
      return { holders, snapshot: isTaken ? { name: snapshot, identity } : undefined }
    },
    retire: async (volume, epoch, snapshot) => {
      checkNames(volume, snapshot)
      await changeRights(connection, volume, epoch, ['retire', volume, String(epoch), snapshot])
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
    reaches: (target) => reaches(connection, target),
    transferRate: (target) => transferRate(connection, target),
    transferJob: (volume) => transferJob(connection, volume),
    stopTransfer: (volume) => stopTransfer(connection, volume),
  }
}

/** Runs a verb of the serving script that depends on an epoch. Returns what it said, or who is in its way. */
async function changeRights(
  connection: Connection,
  volume: string,
  epoch: number,
  verb: readonly string[],
  waitSeconds = 0,
  signal?: AbortSignal,
): Promise<{ readonly said: string; readonly holders: readonly VolumeHolder[] }> {
  const argv = [VOLUME_PATHS.serve, ...verb]
  const { status, stdout, stderr } = await connection.exec(
    { argv, timeoutMs: waitSeconds * 1000 + MARGIN_MS },
    signal === undefined ? {} : { signal },
  )
  if (status === 0) return { said: stdout, holders: [] }
  const holders = readHolders(stdout)
  if (status === BUSY && holders.length > 0) return { said: '', holders }
  if (status !== FENCED) throw await failure(connection, argv.join(' '), status, stderr)
  throw new LabError(
    'EPOCH_FENCED',
    `${connection.node} refused to ${verb[0] ?? ''} ${volume} under epoch ${String(epoch)}: ${stderr.trim()}`,
    { where: connection.node, hint: 'another lab command changed the volume in the meantime: lab volumes' },
  )
}

interface Rights {
  readonly leases: ReadonlyMap<string, number>
  readonly fences: ReadonlyMap<string, number>
  readonly served: ReadonlySet<string>
  readonly orders: ReadonlyMap<string, string>
  /** What the node's clock says, in ms; undefined when it did not say. */
  readonly now: number | undefined
}

/** Pure: what `volume-serve state` printed. */
export function readRights(text: string): Rights {
  const leases = new Map<string, number>()
  const fences = new Map<string, number>()
  const served = new Set<string>()
  const orders = new Map<string, string>()
  let now: number | undefined
  for (const line of text.split('\n')) {
    const [kind, volume = '', epoch = ''] = line.split(' ')
    if (kind === 'lease') leases.set(volume, Number(epoch))
    if (kind === 'fence') fences.set(volume, Number(epoch))
    if (kind === 'orders') orders.set(volume, epoch)
    if (kind === 'served') served.add(volume)
    if (kind === 'now') now = Number(volume) * 1000
  }
  return { leases, fences, served, orders, now }
}

/** Two clocks that differ by less are the same: asking takes its time too. */
const SAME_CLOCK_MS = 60_000

/** Pure: times that a node read from its clock, as ours would have said them. */
export function byOurClock(
  volumes: readonly LocalVolume[],
  theirs: number | undefined,
  ours: number,
): readonly LocalVolume[] {
  const ahead = (theirs ?? ours) - ours
  if (Math.abs(ahead) < SAME_CLOCK_MS) return volumes
  const shifted = (time: string) => new Date(Date.parse(time) - ahead).toISOString()
  return volumes.map((volume) => ({
    ...volume,
    snapshots: volume.snapshots.map((each) =>
      each.createdAt === undefined ? each : { ...each, createdAt: shifted(each.createdAt) },
    ),
  }))
}

function mergeState(rights: Rights, local: Awaited<ReturnType<VolumeDriver['list']>>): readonly NodeVolume[] {
  const { leases, fences, served, orders } = rights
  const names = new Set([
    ...local.map(({ name }) => name),
    ...leases.keys(),
    ...fences.keys(),
    ...served,
    ...orders.keys(),
  ])
  return [...names].sort().map((name) => ({
    ...(local.find((each) => each.name === name) ?? absentCopy(name)),
    served: served.has(name),
    leaseEpoch: leases.get(name) ?? 0,
    fencedEpoch: fences.get(name) ?? 0,
    ...(orders.has(name) ? { orders: orders.get(name) ?? '' } : {}),
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
  return { ...absentCopy(name), served: false, leaseEpoch: 0, fencedEpoch: 0 }
}

function absentCopy(name: string): LocalVolume {
  return { name, live: 'absent', snapshots: [] }
}
