import { LabError } from '../model/errors.ts'
import { checkName, NODE_PATHS } from '../model/names.ts'
import type { StoredRecord, VolumeRecord } from '../model/volume.ts'
import { chooseOwner, freeLockPort } from '../volumes/choose.ts'
import { describeHolders } from '../volumes/move/quiesce.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { openVolumes, type LabVolumes } from './volume-nodes.ts'

/** A volume that an app needs. */
export interface VolumeRequest {
  /** `<app>-<key>` */
  readonly name: string
  readonly app: string
  readonly service: string
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

/** How long a volume that is being destroyed may still be in use. */
const DESTROY_WAIT_SECONDS = 30

/**
 * Makes a volume, or finds it: recorded, on one worker (a new one goes to the worker with the fewest), served there and
 * labelled. A volume of another app is refused; one whose service got another name keeps its data.
 */
export async function ensureVolume(lab: OpenLab, request: VolumeRequest): Promise<EnsuredVolume> {
  checkName('volume', request.name)
  const volumes = openVolumes(lab)
  const all = await volumes.records.list()
  const present = all.find(({ record }) => record.name === request.name)
  if (present !== undefined && present.record.app !== request.app) {
    throw new LabError('VOLUME_TAKEN', `volume ${request.name} belongs to app ${present.record.app}`, {
      where: `app ${request.app}`,
      hint: 'give the volume another key in compose.yml',
    })
  }
  const settled = present !== undefined && present.record.epoch > 0
  if (settled && present.record.service === request.service) return ensured(present.record)
  return runTask(lab.emit, `volume ${request.name}`, (task) =>
    volumes.withLock(request.name, async () => {
      const stored = present ?? (await record(volumes, all, request))
      if (settled) {
        task.detail(`used by ${request.service} from now on`)
        return ensured((await volumes.records.replace(stored, { ...stored.record, service: request.service })).record)
      }
      const made = await make(volumes, stored, request.service)
      task.detail(`made on ${made.record.owner}`)
      return ensured(made.record)
    }),
  )
}

/** The record comes first, with epoch 0: whoever finds it so knows that nobody has written yet. */
async function record(
  volumes: LabVolumes,
  all: readonly StoredRecord[],
  request: VolumeRequest,
): Promise<StoredRecord> {
  const owner = await firstReachable(
    volumes,
    chooseOwner(
      volumes.workers,
      all.map((each) => each.record),
    ),
  )
  const node = await volumes.node(owner)
  const made = await volumes.records.create({
    ...request,
    driver: node.driver.name,
    owner,
    epoch: 0,
    phase: 'idle',
    move: undefined,
    base: undefined,
    lockPort: freeLockPort(
      request.name,
      all.map((each) => each.record),
    ),
  })
  // Two volumes made at the same moment may have chosen one port: the one that comes later by name takes another.
  const others = (await volumes.records.list()).map((each) => each.record).filter(({ name }) => name !== request.name)
  const clash = others.find(({ lockPort, name }) => lockPort === made.record.lockPort && name < request.name)
  if (clash === undefined) return made
  return volumes.records.replace(made, { ...made.record, lockPort: freeLockPort(request.name, others) })
}

async function make(volumes: LabVolumes, stored: StoredRecord, service: string): Promise<StoredRecord> {
  const { name, owner } = stored.record
  const node = await volumes.node(owner)
  await node.driver.create(name)
  await node.grant(name, 1)
  const granted = await volumes.records.replace(stored, { ...stored.record, service, epoch: 1 })
  await volumes.scheduler.place(name, owner)
  return granted
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

/**
 * Removes a volume with its data, on every node. Refused while something uses it. Cut off in the middle, the same again
 * does the rest. A node that is down keeps its copy, which is never served again.
 */
export async function destroyVolume(lab: OpenLab, name: string): Promise<void> {
  const volumes = openVolumes(lab)
  const stored = (await volumes.records.list()).find(({ record: each }) => each.name === name)
  if (stored === undefined) return
  await runTask(lab.emit, `destroy volume ${name}`, () =>
    volumes.withLock(name, async () => {
      const service = await volumes.scheduler.service(stored.record)
      if (service !== undefined) {
        throw new LabError('VOLUME_IN_USE', `${service.name} uses ${name}`, {
          where: `volume ${name}`,
          hint: `lab rm ${stored.record.app}`,
        })
      }
      await volumes.scheduler.place(name, undefined)
      for (const worker of volumes.workers) await destroyOn(lab, volumes, worker, stored.record)
      await volumes.records.remove(stored)
    }),
  )
}

async function destroyOn(lab: OpenLab, volumes: LabVolumes, worker: string, { name, epoch }: VolumeRecord) {
  try {
    const node = await volumes.node(worker)
    const holders = await node.fence(name, epoch, DESTROY_WAIT_SECONDS)
    if (holders.length > 0) {
      throw new LabError('VOLUME_IN_USE', `${name} is still used on ${worker}: ${describeHolders(holders)}`, {
        where: worker,
        hint: `end it (lab ssh ${worker}), then run this again`,
      })
    }
    await node.stopTransfer(name)
    await removeEngineVolume(lab, worker, name)
    await node.driver.destroy(name)
    await node.forget(name)
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'UNREACHABLE') throw error
    lab.emit({ type: 'notice', level: 'warning', message: `${worker} is down and keeps its copy of ${name}` })
  }
}

/** The engine's own entry for the bind mount; it holds no data, but would point a later volume of the name astray. */
async function removeEngineVolume(lab: OpenLab, worker: string, name: string): Promise<void> {
  const engine = await lab.engine(worker)
  // An engine without any such volume answers null, whatever its types say.
  const { Volumes } = (await engine.listVolumes({ filters: { name: [name] } })) as {
    Volumes: readonly { Name: string }[] | null
  }
  if ((Volumes ?? []).some((each) => each.Name === name)) await engine.getVolume(name).remove()
}
