import { randomBytes } from 'node:crypto'
import { LabError, UsageError } from '../model/errors.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { unknownName } from '../model/names.ts'
import type { MovedVolume } from '../model/volume-outcome.ts'
import type { StoredRecord, VolumeRecord } from '../model/volume.ts'
import type { BlackoutWatch } from '../swarm/volume-blackout.ts'
import { findVolume } from '../volumes/find-volume.ts'
import { checkMove } from '../volumes/move/check-move.ts'
import type { MoveContext, MoveFigures } from '../volumes/move/context.ts'
import type { MoveIntent } from '../volumes/move/next-action.ts'
import { LEAST_PAUSE_MS } from '../volumes/move/predict.ts'
import type { PauseLimit } from '../volumes/move/precopy.ts'
import { runMove } from '../volumes/move/run-move.ts'
import { lastDowntime } from './last-downtime.ts'
import { prepareTargetNode, startWatch } from './move-target.ts'
import type { OpenLab } from './open-lab.ts'
import { endRollback } from './rollback-volume.ts'
import { runTask } from './task.ts'
import { openVolumes, type LabVolumes } from './volume-nodes.ts'
import { refuseOutsiders } from './volume-users.ts'

/** So many nodes are connected to at once without delaying the one that matters. */
const FEW_WORKERS = 4

/** What `lab move-volume` takes. */
export interface MoveVolumeOptions {
  /** A volume, or an app or service that has one. */
  readonly volume: string
  /** Name of a worker. */
  readonly to: string
  /** The longest the service may be away, in ms; see {@link MoveContext.maxPauseMs}. */
  readonly maxPauseMs?: number | undefined
  /** Called before anything of a phase is done; a test ends the move there. */
  readonly onPhase?: MoveContext['onPhase']
}

/**
 * Moves a volume with the service that uses it. A move that was cut off is finished first (or undone, when it goes back
 * to where it came from). Emits `moved` last. Throws, with everything as before, whatever fails before the flip.
 */
export async function moveVolume(lab: OpenLab, options: MoveVolumeOptions): Promise<MovedVolume> {
  const started = performance.now()
  checkTarget(lab, options.to)
  const { maxPauseMs } = options
  checkPause(maxPauseMs)
  const volumes = openVolumes(lab)
  // Connecting takes longer than asking who the owner is. Whether a node can do without is found out where it is needed.
  const few = volumes.workers.length <= FEW_WORKERS ? volumes.workers : [options.to]
  for (const node of few) volumes.node(node).catch(() => undefined)
  const { name, owner } = findVolume(await volumes.records.list(), options.volume).record
  const figures: MoveFigures = { rounds: 0, bytesSent: 0 }
  let blackoutMs = 0
  const done = await volumes.withLock(name, async () => {
    const restartMs = maxPauseMs === undefined ? undefined : lastDowntime(lab, name)
    const moving = openMove(lab, volumes, { ...options, restartMs })
    // Read under the lock: what was seen before may be over by now.
    let stored = await endRollback(lab, volumes, findVolume(await volumes.records.list(), name))
    if (stored.record.phase !== 'idle') {
      stored = await takeOver(volumes, stored)
      const intent = intentFor(stored.record, options.to)
      lab.emit({ type: 'notice', level: 'info', message: resumeMessage(stored.record, intent) })
      stored = await runMove(moving.context, stored, intent, figures)
    }
    if (stored.record.owner !== options.to) {
      const source = stored.record.owner
      const seen = await runTask(lab.emit, `check ${name}, ${source} and ${options.to}`, async (task) => {
        const [ends, placed] = await Promise.all([
          checkMove(moving.context, stored.record, options.to),
          volumes.scheduler.placed(name),
          refuseOutsiders(lab, stored.record),
        ])
        const pulled = await prepareTargetNode(lab, volumes, stored.record, options.to, task)
        // Much may be different after minutes of pulling.
        return pulled ? undefined : { ...ends, placed }
      })
      stored = await volumes.records.replace(stored, open(stored.record, options.to))
      stored = await runMove({ ...moving.context, reached: true }, stored, 'finish', figures, seen)
    }
    blackoutMs = moving.blackout()
    return stored.record
  })
  if (figures.notServing !== undefined) {
    const { code, message, where, hint } = figures.notServing
    throw new LabError(code, `${name} is on ${done.owner} now, but ${message}`, { where, hint })
  }
  const { rounds, bytesSent } = figures
  if (maxPauseMs !== undefined && blackoutMs > maxPauseMs) {
    const message = `the pause was ${(blackoutMs / 1000).toFixed(1)} s after all: the service took longer to stop or start`
    lab.emit({ type: 'notice', level: 'warning', message })
  }
  const result = {
    volume: name,
    from: owner,
    to: done.owner,
    epoch: done.epoch,
    rounds,
    bytesSent,
    blackoutMs,
    durationMs: Math.round(performance.now() - started),
  }
  lab.emit({ type: 'moved', ...result })
  return result
}

/** Brings a move that was cut off to an end: forward once it is past its flip, else back. */
export async function finishMove(lab: OpenLab, volumes: LabVolumes, name: string): Promise<void> {
  await volumes.withLock(name, async () => {
    const stored = await endRollback(lab, volumes, findVolume(await volumes.records.list(), name))
    if (stored.record.phase === 'idle') return
    const taken = await takeOver(volumes, stored)
    lab.emit({ type: 'notice', level: 'info', message: resumeMessage(taken.record, 'undo') })
    await runMove(openMove(lab, volumes).context, taken, 'undo', { rounds: 0, bytesSent: 0 })
  })
}

/** Throws a `UsageError` for a longest pause that no move can keep. */
export function checkPause(maxPauseMs: number | undefined): void {
  if (maxPauseMs === undefined || maxPauseMs > LEAST_PAUSE_MS) return
  const least = `${String(LEAST_PAUSE_MS / 1000)} s`
  throw new UsageError(`stopping and starting a service alone takes ${least}: a pause cannot be that short`, {
    hint: 'allow more, like --max-pause 3s',
  })
}

/** Throws a `UsageError` for what is no worker of the lab. */
export function checkTarget(lab: OpenLab, to: string): void {
  const workers = nodesWithRole(lab.spec, 'worker').map(({ name }) => name)
  if (workers.includes(to)) return
  if (!lab.spec.nodes.some(({ name }) => name === to)) throw unknownName('node', to, workers)
  throw new UsageError(`${to} is not a worker: no apps run there, so volumes cannot be there`, {
    hint: `workers: ${workers.join(', ')}`,
  })
}

/** Whoever drove the move before finds that it is not theirs any more, as soon as they write. */
export function takeOver(volumes: LabVolumes, stored: StoredRecord): Promise<StoredRecord> {
  const { move } = stored.record
  if (move === undefined) throw new LabError('VOLUME_RECORD', `the record of ${stored.record.name} has no move`)
  return volumes.records.replace(stored, { ...stored.record, move: { ...move, run: token() } })
}

/** A cut-off move that is asked for again goes on; asked to be where it came from, it is undone. */
function intentFor({ name, phase, move }: VolumeRecord, to: string): MoveIntent {
  if (move?.target === to || ['flip', 'start', 'demote'].includes(phase)) return 'finish'
  if (move?.source === to) return 'undo'
  const [source, target] = [move?.source ?? '', move?.target ?? '']
  throw new LabError('MOVE_UNDER_WAY', `a move of ${name} from ${source} to ${target} was cut off in phase ${phase}`, {
    where: `volume ${name}`,
    hint: `"lab move-volume ${name} ${target}" finishes it, "lab move-volume ${name} ${source}" undoes it`,
  })
}

function resumeMessage({ name, phase, owner, move }: VolumeRecord, intent: MoveIntent): string {
  const [source, target] = [move?.source ?? '', move?.target ?? '']
  const cut = `a move of ${name} from ${source} to ${target} was cut off in phase ${phase}`
  if (['flip', 'start', 'demote'].includes(phase)) return `${cut}: finishing it (${owner} owns the volume)`
  return intent === 'undo' ? `${cut}: putting it back on ${source}` : `${cut}: going on`
}

function open(record: VolumeRecord, target: string): VolumeRecord {
  const startedAt = new Date().toISOString()
  const move = { id: record.epoch, run: token(), source: record.owner, target, startedAt }
  return { ...record, phase: 'precopy', move }
}

function token(): string {
  return randomBytes(3).toString('hex')
}

/** What a move works with, and how long the service was away in the end. */
export function openMove(
  lab: OpenLab,
  volumes: LabVolumes,
  { onPhase, maxPauseMs, restartMs }: Pick<MoveVolumeOptions, 'onPhase'> & PauseLimit = {},
): { readonly context: MoveContext; blackout(): number } {
  let watch: Promise<BlackoutWatch | undefined> | undefined
  let measured = 0
  const context: MoveContext = {
    records: volumes.records,
    scheduler: volumes.scheduler,
    workers: volumes.workers,
    signal: lab.signal,
    maxPauseMs,
    restartMs,
    node: (name) => volumes.node(name),
    reconnect: () => volumes.reconnect(),
    notice: (message) => {
      lab.emit({ type: 'notice', level: 'warning', message })
    },
    inPhase: async ({ record }, work) => {
      if (record.phase !== 'precopy' && record.phase !== 'demote') watch ??= startWatch(lab, volumes, record)
      // The engine takes its time to stop a service: it is watched by then.
      if (record.phase !== 'quiesce') await watch
      const done = runTask(lab.emit, phaseTitle(record), (task) => work((line) => task.progress(line)))
      const [watching] = await Promise.all([watch, done])
      if (record.phase !== 'start' || watching === undefined) return
      measured = watching.measure()
      watching.close()
      watch = undefined
    },
    ...(onPhase === undefined ? {} : { onPhase }),
  }
  return { context, blackout: () => measured }
}

function phaseTitle({ name, service, phase, owner, move }: VolumeRecord): string {
  const [source, target] = [move?.source ?? '', move?.target ?? '']
  switch (phase) {
    case 'precopy':
      return `copy ${name} from ${source} to ${target}${service === '' ? '' : ` while ${service} runs`}`
    case 'quiesce':
      return service === '' ? `take ${name} out of use on ${source}` : `stop ${service} on ${source}`
    case 'final':
      return `copy the last changes of ${name}`
    case 'flip':
      return `hand ${name} over to ${owner}`
    case 'start':
      return service === '' ? `${name} is to be used on ${owner}` : `start ${service} on ${owner}`
    case 'demote':
    case 'idle':
      return `tidy up after the move of ${name}`
  }
}
