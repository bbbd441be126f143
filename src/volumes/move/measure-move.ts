import type { VolumeRecord } from '../../model/volume.ts'
import type { MoveContext } from './context.ts'
import { newestCommon, observeVolume } from './copy-round.ts'

/** For how long it is measured how much is written, where nothing else says so. */
const MEASURE_SECONDS = 3

/** A rate, and where it is from. */
export interface Rate {
  readonly bytesPerSecond: number
  /** In words, to stand behind "rests on". */
  readonly from: string
}

/** What is to be sent of a volume and how fast it changes. */
export interface MoveMeasures {
  readonly firstBytes: number
  /** The snapshot that the target has already; undefined: all is sent. */
  readonly since: string | undefined
  readonly written: Rate
  /** Undefined: nothing of some size was sent there since the source booted. */
  readonly sent: number | undefined
}

/**
 * Measures on the source what a move would have to send, changing nothing. How much is written is what the last round of
 * a replica had to send, or else measured for some seconds.
 */
export async function measureMove(
  context: Pick<MoveContext, 'node'>,
  record: VolumeRecord,
  to: string,
): Promise<MoveMeasures> {
  const { name, owner } = record
  const [source, target] = await Promise.all([context.node(owner), context.node(to)])
  const [ours, theirs] = await Promise.all([observeVolume(source, name), observeVolume(target, name)])
  const since = newestCommon(ours.snapshots, theirs.snapshots)?.name
  const known = (record.policy?.replicas.length ?? 0) === 0 ? undefined : await replicaRate(source, name)
  const [changes, sent] = await Promise.all([
    source.driver.changes(name, since, known === undefined ? MEASURE_SECONDS : 0),
    source.transferRate(to),
  ])
  const { bytes, writtenBytes, overMs } = changes
  const measured = {
    bytesPerSecond: (writtenBytes / Math.max(1, overMs)) * 1000,
    from: `${(overMs / 1000).toFixed(1)} s of measuring on ${owner}`,
  }
  return { firstBytes: bytes, since, written: known ?? measured, sent }
}

/** What the last increment of a replica says. One that was sent whole, or cannot be sent, says nothing. */
async function replicaRate(source: Awaited<ReturnType<MoveContext['node']>>, name: string): Promise<Rate | undefined> {
  const found = (await source.tending.replicas()).find(
    ({ volume, whole, snapshot, trouble }) =>
      volume === name && !whole && snapshot !== undefined && trouble === undefined,
  )
  if (found === undefined) return undefined
  const { bytes, everyMs, node } = found
  return { bytesPerSecond: (bytes / everyMs) * 1000, from: `the last round of the replica on ${node}` }
}
