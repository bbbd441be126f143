import { LabError, UsageError } from '../model/errors.ts'
import { unknownName } from '../model/names.ts'
import { chooseOwner } from '../volumes/choose.ts'
import { findVolume } from '../volumes/find-volume.ts'
import type { VolumeRecord } from '../model/volume.ts'
import { predictMove } from './check-move.ts'
import { evacuationTargets, noTarget } from './evacuation-targets.ts'
import { moveVolume } from './move-volume.ts'
import type { OpenLab } from './open-lab.ts'
import { listNodes } from '../swarm/nodes.ts'
import { openVolumes } from './volume-nodes.ts'
import { done } from './volume-snapshots.ts'

/** Where one volume goes. */
export interface PlannedMove {
  readonly volume: string
  readonly to: string
}

/** How volumes are moved. */
export interface MoveManner {
  /** The longest each service may be away, in ms. */
  readonly maxPauseMs?: number | undefined
  /** Only say what moving would send and take. */
  readonly check: boolean
}

/**
 * Pure: where the volumes of a node go when it is emptied: each to the worker that has the fewest then, in the order of
 * lab.yml where several do. A move from or to it that was cut off is gone on with, or ended where the volume is by now.
 */
export function planEvacuation(
  node: string,
  workers: readonly string[],
  records: readonly VolumeRecord[],
): readonly PlannedMove[] {
  const others = workers.filter((worker) => worker !== node)
  let now = records
  return records
    .filter((record) => isAt(record, node))
    .flatMap(({ name, owner, move }) => {
      if (owner !== node) return [{ volume: name, to: owner }]
      const begun = others.find((other) => other === move?.target)
      const to = begun ?? chooseOwner(others, now)[0] ?? node
      now = now.map((record) => (record.name === name ? { ...record, owner: to } : record))
      // A move that cannot be gone on with is undone first; one that came here is finished by whatever moves it on.
      return begun !== undefined || move?.source !== node
        ? [{ volume: name, to }]
        : [
            { volume: name, to: node },
            { volume: name, to },
          ]
    })
}

/** True while a node has something to be emptied of. */
export async function hasVolumesAt(lab: OpenLab, node: string): Promise<boolean> {
  return (await openVolumes(lab).records.list()).some(({ record }) => isAt(record, node))
}

/** Pure: true when a node owns a volume, or is an end of a move of it that is not over. */
export function isAt({ owner, move }: VolumeRecord, node: string): boolean {
  return [owner, move?.source, move?.target].includes(node)
}

/** Moves every volume of a worker to the others that take tasks, but for those of `except`. */
export async function evacuate(
  lab: OpenLab,
  node: string,
  manner: MoveManner,
  except: readonly string[] = [],
): Promise<void> {
  const volumes = openVolumes(lab)
  if (!volumes.workers.includes(node)) throw unknownName('worker', node, volumes.workers)
  const records = (await volumes.records.list()).map(({ record }) => record)
  const nodes = await listNodes(await volumes.engine(), lab.signal)
  const emptied = [node, ...except]
  const targets = evacuationTargets(volumes.workers, nodes, emptied)
  if (targets.length === 0 && records.some(({ owner }) => owner === node)) {
    throw noTarget(node, volumes.workers, nodes, emptied)
  }
  await moveAll(lab, planEvacuation(node, targets, records), `${node} has no volumes`, manner)
}

/** Moves these volumes (or those of these apps and services) to one worker. */
export async function moveVolumes(
  lab: OpenLab,
  typed: readonly string[],
  to: string,
  manner: MoveManner,
): Promise<void> {
  const stored = await openVolumes(lab).records.list()
  // All names are looked at before anything moves.
  const names = typed.map((each) => findVolume(stored, each).record.name)
  await moveAll(
    lab,
    [...new Set(names)].map((volume) => ({ volume, to })),
    'nothing to move',
    manner,
  )
}

/** One after the other; a failure of one does not stop the others. Throws `MOVES_FAILED` with all failures at the end. */
async function moveAll(
  lab: OpenLab,
  moves: readonly PlannedMove[],
  nothing: string,
  { maxPauseMs, check }: MoveManner,
): Promise<void> {
  const started = performance.now()
  const failures: LabError[] = []
  for (const { volume, to } of moves) {
    try {
      await (check ? predictMove : moveVolume)(lab, { volume, to, maxPauseMs })
    } catch (error) {
      if (!(error instanceof LabError) || error instanceof UsageError || lab.signal.aborted) throw error
      failures.push(error)
      const message = check
        ? `${volume} cannot go to ${to}: ${error.message}`
        : `${volume} is not on ${to}: ${error.message}`
      if (moves.length > 1) lab.emit({ type: 'notice', level: 'warning', message })
    }
  }
  const [first] = failures
  if (first !== undefined && moves.length === 1) throw first
  if (first !== undefined) {
    throw new LabError(
      'MOVES_FAILED',
      `${String(failures.length)} of ${String(moves.length)} moves failed: ${failures.map(({ message }) => message).join('; ')}`,
      { where: first.where, hint: first.hint },
    )
  }
  if (moves.length === 0) done(lab, 'volume move', nothing, started)
}
