import { LabError } from '../model/errors.ts'
import { checkName, LABELS, NODE_PATHS } from '../model/names.ts'
import type { StoredRecord, VolumeRecord } from '../model/volume.ts'
import { listServices, type ServiceView } from '../swarm/services.ts'
import { bytesText } from '../model/bytes-text.ts'
import { chooseOwner, freeLockPort } from '../volumes/choose.ts'
import { limitText } from '../volumes/limit.ts'
import { observeVolume } from '../volumes/move/copy-round.ts'
import { setEarlierAside } from '../volumes/orphan.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { openVolumes, type LabVolumes } from './volume-nodes.ts'
import { observeAll, type Observed } from './volume-snapshots.ts'

/** A volume that an app needs. */
export interface VolumeRequest {
  /** `<app>-<key>`, or what the app calls a volume that was made by hand. */
  readonly name: string
  readonly app: string
  readonly service: string
  /** It must be there already: no app makes it, and another app may have used it before. */
  readonly external: boolean
  /** The most it may hold; undefined: as it is. */
  readonly limitBytes: number | undefined
  /** Workers that shall own it only where no other can: they are to have a replica. */
  readonly avoid: readonly string[]
}

/** A volume that is there, as an app's service is wired to it. */
export interface EnsuredVolume {
  readonly name: string
  /** Where it is on its owner, and on no other node. */
  readonly path: string
  readonly owner: string
  /** UDP port the service publishes on its node, so that two tasks never run at once. */
  readonly lockPort: number
}

/**
 * Makes a volume, or finds it: recorded, on one worker (a new one goes to the worker with the fewest), served there and
 * labelled. A volume of another app is refused; one whose service got another name keeps its data.
 */
export async function ensureVolume(lab: OpenLab, request: VolumeRequest): Promise<EnsuredVolume> {
  checkName('volume', request.name)
  if (request.limitBytes !== undefined) limitText(request.limitBytes)
  const volumes = openVolumes(lab)
  const all = await volumes.records.list()
  const present = all.find(({ record }) => record.name === request.name)
  if (request.external) await checkExternal(volumes, present, request)
  else if (present !== undefined && present.record.app !== request.app) throw taken(present.record, request)
  const settled = present !== undefined && present.record.epoch > 0
  const same = present?.record.app === request.app && present.record.service === request.service
  const limit = request.limitBytes ?? present?.record.limitBytes
  if (settled && same && limit === present.record.limitBytes) return ensured(present.record)
  return runTask(lab.emit, `volume ${request.name}`, (task) =>
    volumes.withLock(request.name, async () => {
      if (!settled) {
        const { name, app, service, limitBytes } = request
        const made = await makeVolume(
          volumes,
          present ?? (await recordVolume(volumes, all, { name, app, service, limitBytes, avoid: request.avoid })),
          { service },
        )
        task.detail(`made on ${made.record.owner}`)
        return ensured(made.record)
      }
      if (limit !== present.record.limitBytes) {
        await setLimit(volumes, present.record, limit)
        task.detail(`may hold ${bytesText(limit ?? 0)}`)
      }
      if (!same) task.detail(`used by ${request.service} from now on`)
      const next = { ...present.record, app: request.app, service: request.service, limitBytes: limit }
      return ensured((await volumes.records.replace(present, next)).record)
    }),
  )
}

/** A volume made by hand goes from app to app, but never while another one's service has it. */
async function checkExternal(
  volumes: LabVolumes,
  present: StoredRecord | undefined,
  request: VolumeRequest,
): Promise<void> {
  if (present === undefined || present.record.epoch === 0) {
    throw new LabError('NO_VOLUME', `there is no volume ${request.name}, which app ${request.app} says is there`, {
      where: `app ${request.app}`,
      hint: `lab volume create ${request.name}`,
    })
  }
  const user = (await servicesUsing(volumes, request.name)).find(({ app }) => app !== request.app)
  if (user !== undefined) throw taken({ ...present.record, app: user.app }, request)
}

function taken({ name, app }: VolumeRecord, request: VolumeRequest): LabError {
  const owner = app === '' ? 'was made by hand' : `belongs to app ${app}`
  return new LabError('VOLUME_TAKEN', `volume ${name} ${owner}`, {
    where: `app ${request.app}`,
    hint: request.external
      ? `lab rm ${app} first, or copy it: lab volume clone ${name} NEW`
      : 'give the volume another key in compose.yml, or use it as it is: external: true with its name',
  })
}

/** The error for a name that is taken. */
export function exists(name: string): LabError {
  return new LabError('VOLUME_EXISTS', `there is a volume ${name} already`, {
    where: `volume ${name}`,
    hint: `lab volume inspect ${name}`,
  })
}

/** Services of apps that have this volume, scaled to 0 or not. */
export async function servicesUsing(volumes: LabVolumes, volume: string): Promise<readonly ServiceView[]> {
  return (await listServices(await volumes.engine())).filter(({ labels }) => labels[LABELS.volume] === volume)
}

/** Sets what the live copy may hold. Throws `LIMIT_TOO_SMALL`, having changed nothing, below what it holds already. */
export async function setLimit(volumes: LabVolumes, record: VolumeRecord, bytes: number | undefined): Promise<void> {
  const { driver } = await volumes.node(record.owner)
  const used = bytes === undefined ? 0 : await driver.usedBytes(record.name)
  if (bytes !== undefined && used > bytes) {
    throw new LabError('LIMIT_TOO_SMALL', `${record.name} holds ${bytesText(used)}, more than ${bytesText(bytes)}`, {
      where: `volume ${record.name}`,
      hint: 'delete files in it, or give it a larger limit',
    })
  }
  await driver.setLimit(record.name, bytes)
}

/** What a new record says. */
export type NewVolume = Pick<VolumeRecord, 'name' | 'app' | 'service' | 'limitBytes'> & {
  /** Worker that gets it; the one with the fewest volumes when absent. */
  readonly owner?: string
  /** Workers that get it last. */
  readonly avoid?: readonly string[]
}

/**
 * The record comes first, with epoch 0: whoever finds it so knows that nobody has written yet. What its node has of an
 * earlier volume of the name is set aside before. The caller has the volume's lock.
 */
export async function recordVolume(
  volumes: LabVolumes,
  all: readonly StoredRecord[],
  { avoid = [], ...request }: NewVolume,
): Promise<StoredRecord> {
  const records = all.map((each) => each.record)
  const ranked = chooseOwner(volumes.workers, records).toSorted(
    (a, b) => Number(avoid.includes(a)) - Number(avoid.includes(b)),
  )
  const wanted = request.owner === undefined ? ranked : [request.owner]
  // Nobody makes it meanwhile; but what the caller knows may be from before it had the lock.
  if ((await volumes.records.list()).some(({ record }) => record.name === request.name)) throw exists(request.name)
  const owner = await firstReachable(volumes, wanted)
  const node = await volumes.node(owner)
  await setEarlierAside(node, await observeVolume(node, request.name))
  const made = await volumes.records.create({
    ...request,
    driver: node.driver.name,
    owner,
    epoch: 0,
    phase: 'idle',
    move: undefined,
    base: undefined,
    lockPort: freeLockPort(request.name, records),
  })
  // Two volumes made at the same moment may have chosen one port: the one that comes later by name takes another.
  const others = (await volumes.records.list()).map((each) => each.record).filter(({ name }) => name !== request.name)
  const clash = others.find(({ lockPort, name }) => lockPort === made.record.lockPort && name < request.name)
  if (clash === undefined) return made
  return volumes.records.replace(made, { ...made.record, lockPort: freeLockPort(request.name, others) })
}

/**
 * Brings a volume that is recorded, but that nobody has written to yet, to where it can be: served and labelled.
 * `from` is the snapshot its data is in; without one, and without data, it is empty.
 */
export async function makeVolume(
  volumes: LabVolumes,
  stored: StoredRecord,
  options: { readonly service?: string; readonly from?: string } = {},
): Promise<StoredRecord> {
  const { name, owner, limitBytes } = stored.record
  const node = await volumes.node(owner)
  if (options.from === undefined) await node.driver.create(name)
  const epoch = firstEpoch(await observeAll(volumes, stored.record))
  await node.grant(name, epoch, options.from, limitBytes)
  const service = options.service ?? stored.record.service
  const granted = await volumes.records.replace(stored, { ...stored.record, service, epoch })
  await volumes.scheduler.place(name, owner)
  return granted
}

/**
 * Pure: the epoch under which a new volume is served. Nodes that were down when an earlier volume of its name was destroyed
 * know that one's epochs still, and take none of those again; nor may the names of snapshots of moves come back.
 */
function firstEpoch(all: Observed): number {
  const known = all.flatMap(({ volume }) => [volume?.fencedEpoch ?? 0, volume?.leaseEpoch ?? 0])
  return Math.max(0, ...known) + 1
}

async function firstReachable(volumes: LabVolumes, candidates: readonly string[]): Promise<string> {
  const reasons: string[] = []
  for (const name of candidates) {
    try {
      return (await volumes.node(name)).node
    } catch (error) {
      if (!(error instanceof LabError)) throw error
      reasons.push(error.message)
    }
  }
  throw new LabError('NO_WORKER', `no worker can take a volume: ${reasons.join('; ')}`, { hint: 'lab up' })
}

function ensured({ name, owner, lockPort }: VolumeRecord): EnsuredVolume {
  return { name, path: `${NODE_PATHS.served}/${name}`, owner, lockPort }
}
