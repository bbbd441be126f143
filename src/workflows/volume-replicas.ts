import type { ReplicaStatus } from '../model/documents.ts'
import { LabError, UsageError } from '../model/errors.ts'
import {
  isHook,
  isKeep,
  NO_POLICY,
  REPLICA_EVERY,
  type VolumeHooks,
  type VolumeKeep,
  type VolumePolicy,
} from '../model/volume-policy.ts'
import type { VolumeRecord } from '../model/volume.ts'
import { deleteEndedReplica } from '../volumes/ended-replica.ts'
import { findVolume } from '../volumes/find-volume.ts'
import { observeVolume } from '../volumes/move/copy-round.ts'
import { ordersText } from '../volumes/orders.ts'
import { candidateOn } from '../volumes/promote.ts'
import { checkTarget } from './move-volume.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { openVolumes, type LabVolumes } from './volume-nodes.ts'

/** What there is of a volume's replicas: as its owner says, or, when that is down, as their nodes do. */
export async function replicasOf(volumes: LabVolumes, record: VolumeRecord): Promise<readonly ReplicaStatus[]> {
  const wanted = record.policy?.replicas ?? []
  if (wanted.length === 0) return []
  const known = await unlessDown(async () => (await volumes.node(record.owner)).tending.replicas())
  return Promise.all(
    wanted.map(async ({ node, everyMs }): Promise<ReplicaStatus> => {
      const said = known?.find((each) => each.volume === record.name && each.node === node)
      if (said !== undefined) {
        return { node, everyMs, ageMs: said.ageMs, snapshot: said.snapshot, trouble: said.trouble }
      }
      const candidate = await unlessDown(async () => candidateOn(await volumes.node(node), record))
      const trouble = known === undefined ? `${record.owner} is down` : undefined
      return { node, everyMs, ageMs: candidate?.ageMs, snapshot: candidate?.snapshot, trouble }
    }),
  )
}

async function unlessDown<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof LabError) return undefined
    throw error
  }
}

/** What `lab volume replicate` sets. */
export interface ReplicateOptions {
  /** The node of the copy. */
  readonly to: string
  readonly everyMs: number
  /** Whether the volume's replicas are promoted without asking; as it is when absent. */
  readonly auto?: boolean | undefined
}

/** Keeps a copy of a volume on another node from now on, or changes how often; the nodes do it by themselves. */
export async function replicateVolume(
  lab: OpenLab,
  typed: string,
  { to, everyMs, auto }: ReplicateOptions,
): Promise<void> {
  checkTarget(lab, to)
  if (everyMs < REPLICA_EVERY.leastMs || everyMs > REPLICA_EVERY.mostMs) {
    throw new UsageError('a replica can be brought up to date once a second at most, and once a week at least')
  }
  await changePolicy(lab, typed, `keep a replica on ${to}`, ({ name, owner }, policy) => {
    if (owner === to) {
      throw new UsageError(`${to} owns ${name}: a replica there would die with it`, { hint: 'choose another node' })
    }
    const replicas = [...policy.replicas.filter(({ node }) => node !== to), { node: to, everyMs }]
    const { autoPromote, ...others } = policy
    return { ...others, replicas, ...((auto ?? autoPromote) === true ? { autoPromote: true } : {}) }
  })
}

/**
 * Ends the replica on a node, or all of them, and deletes their snapshots there; with the last one also what it was made of,
 * on the owner and on those that were it.
 */
export async function stopReplicas(lab: OpenLab, typed: string, on: string | undefined): Promise<void> {
  let stopped: readonly string[] = []
  const record = await changePolicy(lab, typed, 'end replicas', (now, policy) => {
    stopped = policy.replicas.map(({ node }) => node).filter((node) => on === undefined || node === on)
    const replicas = policy.replicas.filter(({ node }) => !stopped.includes(node))
    const { autoPromote, ...others } = policy
    // What is replicated again one day is not promoted by itself because it once was.
    if (stopped.length > 0)
      return { ...others, replicas, ...(replicas.length > 0 && autoPromote ? { autoPromote } : {}) }
    throw new UsageError(`${now.name} has no replica${on === undefined ? '' : ` on ${on}`}`, { hint: 'lab volumes' })
  })
  await deleteReplicas(lab, record, stopped)
}

/** Deletes what replicas were made of on nodes that have none any more; where the last one ended, on all. */
export async function deleteReplicas(
  lab: OpenLab,
  { name, policy }: VolumeRecord,
  gone: readonly string[],
): Promise<void> {
  const volumes = openVolumes(lab)
  for (const each of (policy?.replicas.length ?? 0) === 0 ? volumes.workers : gone) {
    try {
      const node = await volumes.node(each)
      await deleteEndedReplica(node, await observeVolume(node, name))
    } catch (error) {
      if (!(error instanceof LabError) || error.code !== 'UNREACHABLE') throw error
      lab.emit({ type: 'notice', level: 'warning', message: `${each} is down and keeps its copy of ${name}` })
    }
  }
}

/** What `lab volume schedule` changes; what is left out stays. */
export interface ScheduleChange {
  readonly keep?: Readonly<Record<string, number>>
  readonly hooks?: VolumeHooks
}

/** Sets the schedule of snapshots with how many of each stay, and the commands around every snapshot. */
export async function scheduleVolume(lab: OpenLab, typed: string, change: ScheduleChange): Promise<void> {
  const { keep, hooks } = change
  if (keep !== undefined && !isKeep(keep)) {
    throw new UsageError('a schedule is hourly, daily, weekly or monthly, and keeps 1 to 1000 snapshots', {
      hint: 'lab volume schedule mongo hourly=24 daily=7',
    })
  }
  if (hooks !== undefined && ![hooks.pre, hooks.post].every((hook) => hook === undefined || isHook(hook))) {
    throw new UsageError('a hook is a command')
  }
  const given: { keep?: VolumeKeep; hooks?: VolumeHooks } = {
    ...(keep === undefined ? {} : { keep }),
    ...(hooks === undefined ? {} : { hooks }),
  }
  await changePolicy(lab, typed, 'set the schedule', (_, { deployed = [], ...policy }) => {
    // What is set by hand is not the file's any more, until the next deploy says it again.
    const left = deployed.filter((part) => given[part] === undefined)
    return { ...policy, ...given, ...(left.length === 0 ? {} : { deployed: left }) }
  })
}

/**
 * Changes a volume's policy. A node that gets replicas is told before the record says so, and one that has none any more
 * after it: while anybody may promote one, the owner asks a manager after a boot. Cut off between, `lab up` does the rest.
 */
export async function changePolicy(
  lab: OpenLab,
  typed: string,
  title: string,
  change: (record: VolumeRecord, policy: VolumePolicy) => VolumePolicy,
): Promise<VolumeRecord> {
  const volumes = openVolumes(lab)
  const { name } = findVolume(await volumes.records.list(), typed).record
  return runTask(lab.emit, `${name}: ${title}`, () =>
    volumes.withLock(name, async () => {
      const stored = findVolume(await volumes.records.list(), name)
      if (stored.record.phase !== 'idle') {
        throw new LabError('MOVE_UNDER_WAY', `a move of ${name} was cut off in phase ${stored.record.phase}`, {
          where: `volume ${name}`,
          hint: 'lab up',
        })
      }
      const policy = change(stored.record, stored.record.policy ?? NO_POLICY)
      const next = { ...stored.record, policy }
      const owner = await volumes.node(next.owner)
      const tell = () => owner.tending.setOrders(name, ordersText(next))
      if (policy.replicas.length > 0) await tell()
      const { record } = await volumes.records.replace(stored, next)
      await tell()
      return record
    }),
  )
}
