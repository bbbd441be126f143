import { LabError } from '../model/errors.ts'
import {
  failureText,
  hasFailed,
  judgeService,
  type FailureReason,
  type Picture,
  type ServiceFailure,
  type Standing,
} from './judge-services.ts'
import type { ServiceView } from './services.ts'
import type { TaskView } from './tasks.ts'

/** How to wait for services. */
export interface WaitForServicesOptions {
  /** Tasks wanted, by service id, where it differs from what the service's spec says. */
  readonly desired?: ReadonlyMap<string, number>
  readonly deadlineMs: number
  readonly signal?: AbortSignal
  /** Told what is still missing, whenever that changes. */
  readonly onProgress?: (line: string) => void
  /**
   * How long a task without a health check must have run before it counts; 0 when absent. What crashes does so early,
   * and nothing else tells such a task from a good one.
   */
  readonly stableMs?: number
  /** An update that was rolled back or paused is a failure, unless it is known to be an old one. Default true. */
  readonly judgeUpdate?: boolean
  /** Also wait until tasks that are being replaced or scaled away have ended. Default true. */
  readonly untilGone?: boolean
}

/** Services that did not come up. `failures` has one entry a service, with the task that shows why. */
export class ServicesFailedError extends LabError {
  readonly failures: readonly ServiceFailure[]

  constructor(failures: readonly ServiceFailure[]) {
    const [first] = failures
    super(
      first?.reason === 'deadline' ? 'SERVICES_LATE' : 'SERVICES_FAILED',
      failures.map((failure) => `${failure.service}: ${failure.message}`).join('\n'),
      {
        where: failures.map((failure) => `service ${failure.service}`).join(', '),
        hint: first === undefined ? undefined : `lab logs ${first.service}`,
      },
    )
    this.name = 'ServicesFailedError'
    this.failures = failures
  }
}

/** How long the scheduler may find no place before that is a failure: labels and nodes may be on their way. */
const UNPLACED_MS = 3000
/** What a task takes to stop beside its own grace: its name is withdrawn first, and the scheduler hears of it last. */
const HAND_OVER_MS = 15_000
const DEFAULT_GRACE_MS = 10_000
/** How long a service may crash while others of the same wait, which it may need, are not up yet. */
const PATIENCE_MS = 10_000
/** A one-shot task that has run this long is taken for a server with restarts switched off. */
const ONE_SHOT_MS = 10_000

/** What must be remembered between two looks; has the clock handed in, so that it can be tested without one. */
export class Watch {
  private readonly options: WaitForServicesOptions
  private readonly now: () => number
  private history: ReadonlySet<string> | undefined
  /** Every task as it was last seen: the swarm itself lists but the last few of a replica. */
  private readonly known = new Map<string, TaskView>()
  private readonly troubleSince = new Map<string, number>()
  private readonly runningSince = new Map<string, number>()
  private last: readonly Standing[] = []
  private waiting: readonly Standing[] = []
  private progress = ''

  constructor(options: WaitForServicesOptions, now: () => number = () => performance.now()) {
    this.options = options
    this.now = now
  }

  /** Takes one picture; returns the standings once all is as wanted, throws when it will not be. */
  look(ids: readonly string[], services: readonly ServiceView[], picture: Picture): readonly Standing[] | undefined {
    const gone = ids.filter((id) => !services.some((service) => service.id === id))
    if (gone.length > 0) throw new ServicesFailedError(gone.map((id) => this.goneFailure(id)))
    this.history ??= new Set(
      picture.tasks
        .filter((task) => services.some((service) => service.id === task.serviceId && hasFailed(task, service)))
        .map((task) => task.id),
    )
    const seen = { ...picture, tasks: this.withForgotten(services, picture.tasks), history: this.history }
    this.last = services.map((service) => {
      const standing = judgeService(service, seen, this.options.desired?.get(service.id))
      return this.options.untilGone === false && standing.leaving.length > 0
        ? judgeService(
            service,
            { ...seen, tasks: seen.tasks.filter((task) => !standing.leaving.includes(task)) },
            standing.desired,
          )
        : standing
    })
    const failures = this.last.flatMap((standing) => this.failureOf(standing, seen.history) ?? [])
    if (failures.length > 0) throw new ServicesFailedError(failures)
    this.waiting = this.last.filter((standing) => !standing.settled || !this.isStable(standing))
    this.tell()
    return this.waiting.length === 0 ? this.last : undefined
  }

  /** The error for a deadline that passed. */
  late(elapsedMs: number): ServicesFailedError {
    return new ServicesFailedError(
      this.waiting.map((standing) => ({
        service: standing.service.name,
        app: standing.service.app,
        reason: standing.trouble?.reason ?? 'deadline',
        message:
          standing.trouble?.message ?? `not up after ${String(Math.round(elapsedMs / 1000))} s: ${standing.waitingFor}`,
        task: standing.trouble?.task,
      })),
    )
  }

  private failureOf(standing: Standing, history: ReadonlySet<string>): ServiceFailure | undefined {
    const { service, trouble } = standing
    const tasks = [...this.known.values()].filter(({ id, serviceId }) => serviceId === service.id && !history.has(id))
    const update = this.options.judgeUpdate === false ? undefined : updateFailure(service, tasks)
    if (update !== undefined) return update
    if (trouble === undefined) {
      this.troubleSince.delete(service.id)
      return undefined
    }
    if (trouble.final) return trouble
    const since = this.troubleSince.get(service.id) ?? this.now()
    this.troubleSince.set(service.id, since)
    const othersOpen = this.last.some((other) => other !== standing && !other.settled && other.trouble === undefined)
    const patience = trouble.reason === 'unplaced' ? placingMs(service, trouble) : othersOpen ? PATIENCE_MS : 0
    return this.now() - since >= patience ? trouble : undefined
  }

  /** The tasks of a picture, and those that failed since the wait began and are no longer in it. */
  private withForgotten(services: readonly ServiceView[], tasks: readonly TaskView[]): readonly TaskView[] {
    const listed = new Set(tasks.map(({ id }) => id))
    for (const task of tasks) this.known.set(task.id, task)
    const forgotten = [...this.known.values()].filter((task) => {
      const service = services.find(({ id }) => id === task.serviceId)
      return !listed.has(task.id) && service !== undefined && hasFailed(task, service)
    })
    return [...tasks, ...forgotten]
  }

  /** Whether tasks without a health check have run long enough to be believed. */
  private isStable(standing: Standing): boolean {
    const restart = standing.service.template.RestartPolicy?.Condition
    const neededMs = Math.max(this.options.stableMs ?? 0, restart === 'none' ? ONE_SHOT_MS : 0)
    return standing.ready.every((task) => {
      if (task.state !== 'running' || task.health === 'healthy') return true
      const since = this.runningSince.get(task.id) ?? this.now()
      this.runningSince.set(task.id, since)
      return this.now() - since >= neededMs
    })
  }

  private tell(): void {
    const line = this.waiting
      .map((standing) => (standing.settled ? `${standing.service.name} runs, watching it` : standing.waitingFor))
      .join('; ')
    if (line !== '' && line !== this.progress) this.options.onProgress?.(line)
    this.progress = line
  }

  private goneFailure(id: string): ServiceFailure {
    const known = this.last.find((standing) => standing.service.id === id)?.service
    return {
      service: known?.name ?? id,
      app: known?.app ?? '',
      reason: 'gone',
      message: 'was removed meanwhile',
      task: undefined,
    }
  }
}

/**
 * How long the scheduler may find no place for a task: a moment, or, where the task before it still holds a port of the
 * node, as long as that one may take to stop.
 */
function placingMs(service: ServiceView, { message }: ServiceFailure): number {
  if (!message.includes('host-mode port already in use')) return UNPLACED_MS
  const grace = (service.template.ContainerSpec as { readonly StopGracePeriod?: number } | undefined)?.StopGracePeriod
  return HAND_OVER_MS + (grace === undefined ? DEFAULT_GRACE_MS : grace / 1e6)
}

/** The failure that an update's own state tells of; its message names the task that caused it. */
function updateFailure(service: ServiceView, tasks: readonly TaskView[]): ServiceFailure | undefined {
  const { state = '', message = '' } = service.update ?? {}
  const reason: FailureReason | undefined = state.startsWith('rollback')
    ? 'rolled-back'
    : state === 'paused'
      ? 'paused'
      : undefined
  if (reason === undefined) return undefined
  const task = tasks.find((candidate) => message.includes(candidate.id))
  const verb = reason === 'paused' ? 'the update stopped' : 'the update failed and the version before is put back'
  const why = task === undefined ? message : failureText(task)
  return { service: service.name, app: service.app, reason, message: `${verb}: ${why}`, task }
}
