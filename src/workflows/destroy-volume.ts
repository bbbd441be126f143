import { LabError, UsageError } from '../model/errors.ts'
import { unknownName } from '../model/names.ts'
import type { NodeVolume, NodeVolumes, VolumeRecord } from '../model/volume.ts'
import { waitFor } from '../model/wait.ts'
import { engineStatus } from '../swarm/engine.ts'
import { findVolume } from '../volumes/find-volume.ts'
import { observeVolume, strayCopy } from '../volumes/move/copy-round.ts'
import { describeHolders } from '../volumes/move/quiesce.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { servicesUsing } from './volume-life.ts'
import { openVolumes, type LabVolumes } from './volume-nodes.ts'
import { volumeUsers } from './volume-users.ts'
import { done } from './volume-snapshots.ts'
import { withVolume, type HeldVolume } from './with-volume.ts'

/** How long a volume that is being destroyed may still be in use. */
const DESTROY_WAIT_SECONDS = 30
/** Longest that containers which have ended may still be there. */
const ENGINE_VOLUME_MS = 30_000

/**
 * Removes a volume with its data, on every node. Refused, with `VOLUME_IN_USE` and before anything is changed, while a
 * service has it or something uses it. Cut off in the middle, the same again does the rest. A node that is down keeps
 * its copy, which is never served again; so does the owner, if its machine is off or gone.
 */
export async function destroyVolume(lab: OpenLab, typed: string): Promise<void> {
  const started = performance.now()
  const work = async ({ volumes, stored }: HeldVolume) => {
    const { name } = stored.record
    await runTask(lab.emit, `destroy volume ${name}`, async () => {
      const [service] = await servicesUsing(volumes, name)
      if (service !== undefined) {
        throw new LabError('VOLUME_IN_USE', `service ${service.name} of app ${service.app} has ${name}`, {
          where: `volume ${name}`,
          hint: `lab rm ${service.app}`,
        })
      }
      // Nothing runs on a machine that is off. What is there is given up with it: it may never be back.
      const off = await stateWhenOff(lab, stored.record.owner)
      const users = off === undefined ? await volumeUsers(lab, volumes, stored.record) : []
      if (users.length > 0) throw inUse(name, stored.record.owner, users.join(', '))
      await volumes.scheduler.place(name, undefined)
      const { owner } = stored.record
      // The owner first: as long as it has the volume, it brings replicas elsewhere up to date.
      const workers = [...volumes.workers].sort((a, b) => Number(b === owner) - Number(a === owner))
      const gone: NodeVolumes[] = []
      for (const worker of workers) gone.push(...(await destroyOn(lab, volumes, worker, stored.record)))
      // Last of all: that nodes have given up the record's own epoch says that this is under way.
      for (const node of gone) await node.forget(name)
      await volumes.records.remove(stored)
    })
    return name
  }
  done(lab, 'volume destroy', `removed ${await withVolume(lab, typed, work, { unmade: true })}`, started)
}

/** What whoever is asked before that must know of the owner; empty where it runs. Throws `UsageError` for an unknown volume. */
export async function ownerRemark(lab: OpenLab, typed: string): Promise<string> {
  const { owner } = findVolume(await openVolumes(lab).records.list(), typed).record
  const state = await stateWhenOff(lab, owner)
  return state === undefined ? '' : `${owner}, which owns it, is ${state}: what is there is given up. `
}

/** How the provider says that a machine does not run; undefined where it does, or may, though it does not answer. */
export async function stateWhenOff(
  lab: Pick<OpenLab, 'machines' | 'refresh'>,
  node: string,
): Promise<'off' | 'gone' | undefined> {
  lab.refresh()
  const machine = (await lab.machines()).find(({ name }) => name === node)
  if (machine === undefined || machine.state === 'missing') return 'gone'
  return machine.state === 'stopped' ? 'off' : undefined
}

/** Removes what a node that does not own a volume has of it. The node's fence stays: it has given up its epochs. */
export async function destroyCopy(lab: OpenLab, typed: string, worker: string): Promise<void> {
  const started = performance.now()
  const message = await withVolume(lab, typed, async ({ volumes, stored }) => {
    const { name, owner } = stored.record
    if (!volumes.workers.includes(worker)) throw unknownName('node', worker, volumes.workers)
    if (worker === owner) {
      throw new UsageError(`${worker} owns ${name}: what is there is the volume itself`, {
        hint: `lab volume destroy ${name}`,
      })
    }
    return runTask(lab.emit, `destroy the copy of ${name} on ${worker}`, async (task) => {
      const node = await volumes.node(worker)
      const { live, snapshots } = await observeVolume(node, name)
      if (live !== 'absent') throw strayCopy(name, worker)
      if (snapshots.length === 0) {
        task.unchanged('there is none')
        return `${worker} has no copy of ${name}`
      }
      await node.driver.destroy(name)
      task.detail(snapshots.map((each) => each.name).join(', '))
      return `removed the copy of ${name} on ${worker}`
    })
  })
  done(lab, 'volume destroy', message, started)
}

function inUse(name: string, node: string, users: string): LabError {
  return new LabError('VOLUME_IN_USE', `${name} is used on ${node}: ${users}`, {
    where: node,
    hint: `end it (lab ssh ${node}), then run this again`,
  })
}

/**
 * Pure: the epoch that a node gives a volume up under. Of one whose making was cut off, it may serve the first before the
 * record says so, or a later one: it was off when a volume of that name was destroyed, and owned it.
 */
export function epochToFence(epoch: number, { leaseEpoch }: Pick<NodeVolume, 'leaseEpoch'>): number {
  return epoch === 0 ? Math.max(1, leaseEpoch) : epoch
}

/** Everything but what the node knows of epochs. Returns the node, or nothing where it is down. */
async function destroyOn(
  lab: OpenLab,
  volumes: LabVolumes,
  worker: string,
  { name, epoch }: VolumeRecord,
): Promise<readonly NodeVolumes[]> {
  try {
    const node = await volumes.node(worker)
    const given = epochToFence(epoch, await observeVolume(node, name))
    const { holders } = await node.fence(name, given, DESTROY_WAIT_SECONDS)
    if (holders.length > 0) throw inUse(name, worker, describeHolders(holders))
    await node.tending.setOrders(name, undefined)
    await node.stopTransfer(name)
    await removeEngineVolume(lab, worker, name)
    await node.driver.destroy(name)
    return [node]
  } catch (error) {
    if (!(error instanceof LabError) || error.code !== 'UNREACHABLE') throw error
    lab.emit({ type: 'notice', level: 'warning', message: `${worker} is down and keeps its copy of ${name}` })
    return []
  }
}

/** The engine's own entry for the bind mount; it holds no data, but would point a later volume of the name astray. */
async function removeEngineVolume(lab: OpenLab, worker: string, name: string): Promise<void> {
  const engine = await lab.engine(worker)
  // An engine without any such volume answers null, whatever its types say.
  const { Volumes } = (await engine.listVolumes({ filters: { name: [name] } })) as {
    Volumes: readonly { Name: string }[] | null
  }
  if (!(Volumes ?? []).some((each) => each.Name === name)) return
  const remove = async () => {
    try {
      await engine.getVolume(name).remove()
      return true
    } catch (error) {
      if (engineStatus(error) === 404) return true
      if (engineStatus(error) === 409) return undefined
      throw error
    }
  }
  // Containers of a service that was just removed go a moment after it.
  await waitFor(remove, {
    deadlineMs: ENGINE_VOLUME_MS,
    what: `the containers on ${worker} that had ${name} to be removed`,
    signal: lab.signal,
  })
}
