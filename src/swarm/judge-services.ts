import type { SwarmNode } from './nodes.ts'
import { nodeFits, takesTasks, unmetConstraints } from './placement.ts'
import type { ServiceView } from './services.ts'
import { isAlive, isServing, isUnhealthy, isWanted, type TaskView } from './tasks.ts'

/** Why a service will not come up as it is. */
export type FailureReason =
  'crashed' | 'unhealthy' | 'rejected' | 'unplaced' | 'rolled-back' | 'paused' | 'gone' | 'deadline'

/** A service that does not come up, with the task that shows it. */
export interface ServiceFailure {
  readonly service: string
  readonly app: string
  readonly reason: FailureReason
  /** One sentence without the service's name. */
  readonly message: string
  readonly task: TaskView | undefined
}

/** Where a service stands on its way to its desired count. */
export interface Standing {
  readonly service: ServiceView
  readonly desired: number
  /** Wanted tasks made from the current spec that run (and are healthy), or completed ones of a one-shot service. */
  readonly ready: readonly TaskView[]
  /** Tasks that are still to go away. */
  readonly leaving: readonly TaskView[]
  readonly settled: boolean
  /** A short word on what is still missing; empty when settled. */
  readonly waitingFor: string
  /** What speaks against it ever settling. `final` needs no second look; others count once they persist. */
  readonly trouble: (ServiceFailure & { readonly final: boolean }) | undefined
}

/** What the judge looks at. */
export interface Picture {
  readonly nodes: readonly SwarmNode[]
  /** Tasks of any services. */
  readonly tasks: readonly TaskView[]
  /** Ids of tasks that had failed before anybody began to wait: history, not evidence. */
  readonly history?: ReadonlySet<string>
}

/** How often a thing must happen before it counts as a failure rather than a stumble. */
const LIMITS = { crashed: 3, unhealthy: 2, rejected: 2 } as const

/** Pure: where one service stands. `desired` overrides what its spec says. */
export function judgeService(
  service: ServiceView,
  picture: Picture,
  desired = wantedCount(service, picture.nodes),
): Standing {
  const down = new Set(picture.nodes.filter((node) => node.state === 'down').map((node) => node.id))
  const own = picture.tasks.filter((task) => task.serviceId === service.id)
  const current = own.filter((task) => isCurrent(task, service, picture.nodes))
  const wanted = own.filter((task) => isWanted(task) && isAlive(task))
  const completed = current.filter((task) => task.state === 'complete' && isOneShot(service))
  const running = current.filter((task) => isServing(task))
  const ready = isJob(service) ? completed : latestPerSlot([...running, ...completed])
  // Neither what a dead node still claims to run, nor a task that was given up before it had a node, ever goes away.
  const leaving = own.filter(
    (task) => isAlive(task) && !isWanted(task) && task.nodeId !== undefined && !down.has(task.nodeId),
  )
  const stale = wanted.filter((task) => !current.includes(task))
  const surplus = isJob(service) ? 0 : wanted.length - running.length
  const settled = ready.length === desired && stale.length === 0 && leaving.length === 0 && surplus === 0
  return {
    service,
    desired,
    ready,
    leaving,
    settled,
    waitingFor: settled ? '' : describe(service, desired, ready, wanted, leaving),
    trouble: settled ? undefined : troubleOf(service, current, wanted, picture),
  }
}

/** How many tasks a service is to have. */
export function wantedCount(service: ServiceView, nodes: readonly SwarmNode[]): number {
  if (service.replicas !== undefined) return service.replicas
  return nodes.filter((node) => takesTasks(node) && nodeFits(node, service.constraints)).length
}

/** True when tasks of the service end by themselves and stay ended. */
export function isOneShot(service: ServiceView): boolean {
  const condition = service.template.RestartPolicy?.Condition
  return isJob(service) || condition === 'none' || condition === 'on-failure'
}

/**
 * True for a task made from the service's present template. A placement that changed makes no task old by itself: the
 * swarm leaves a task where the new constraints allow it to be.
 */
export function isCurrent(task: TaskView, service: ServiceView, nodes: readonly SwarmNode[]): boolean {
  if (isJob(service)) return task.jobIteration === service.jobIteration
  if (canonical(withoutPlacement(task.spec)) !== canonical(withoutPlacement(service.template))) return false
  if (canonical(task.spec.Placement ?? {}) === canonical(service.template.Placement ?? {})) return true
  const node = nodes.find((candidate) => candidate.id === task.nodeId)
  return node !== undefined && nodeFits(node, service.constraints)
}

/** True for a task that ended although it should not have. */
export function hasFailed(task: TaskView, service: ServiceView): boolean {
  if (task.state === 'failed' || task.state === 'rejected') return true
  return task.state === 'complete' && !isOneShot(service)
}

function isJob(service: ServiceView): boolean {
  return service.mode === 'replicated-job' || service.mode === 'global-job'
}

/** The newest task of each replica. */
export function latestPerSlot(tasks: readonly TaskView[]): readonly TaskView[] {
  const latest = new Map<string, TaskView>()
  for (const task of tasks) {
    const key = task.slot === undefined ? (task.nodeId ?? task.id) : String(task.slot)
    const other = latest.get(key)
    if (other === undefined || other.createdAt < task.createdAt) latest.set(key, task)
  }
  return [...latest.values()]
}

function describe(
  service: ServiceView,
  desired: number,
  ready: readonly TaskView[],
  wanted: readonly TaskView[],
  leaving: readonly TaskView[],
): string {
  const head = `${service.name} ${String(ready.length)}/${String(desired)}`
  const coming = wanted
    .filter((task) => !ready.includes(task))
    .map((task) => (task.node === undefined ? task.state : `${task.state} on ${task.node}`))
  const going = leaving.map((task) => (task.node === undefined ? 'stopping' : `stopping on ${task.node}`))
  return [head, ...new Set([...coming, ...going])].join(', ')
}

function troubleOf(
  service: ServiceView,
  current: readonly TaskView[],
  wanted: readonly TaskView[],
  picture: Picture,
): Standing['trouble'] {
  const noRetry = service.template.RestartPolicy?.Condition === 'none'
  const failed = current
    .filter((task) => hasFailed(task, service) && (noRetry || picture.history?.has(task.id) !== true))
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
  const last = failed[0]
  const make = (reason: FailureReason, message: string, final: boolean, task = last) => ({
    service: service.name,
    app: service.app,
    reason,
    message,
    task,
    final,
  })
  if (last !== undefined) {
    const reason = last.state === 'rejected' ? 'rejected' : isUnhealthy(last) ? 'unhealthy' : 'crashed'
    const alike = failed.filter((task) => task.state === last.state)
    const attempts = service.template.RestartPolicy?.MaxAttempts
    const tries = isOneShot(service) && attempts !== undefined && attempts > 0 ? attempts + 1 : LIMITS[reason]
    if (noRetry || alike.length >= Math.min(tries, LIMITS[reason])) {
      return make(reason, failureText(last), noRetry || reason === 'rejected')
    }
  }
  const homeless = wanted.find((task) => task.state === 'pending' && task.error !== undefined)
  if (homeless !== undefined) {
    const unmet = unmetConstraints(picture.nodes, service.constraints)
    const why = unmet.length === 0 ? '' : `; no node meets ${unmet.join(', ')}`
    return make('unplaced', `${homeless.error ?? 'no suitable node'}${why}`, false, homeless)
  }
  return undefined
}

/** What befell a task, in a sentence without its service's name. */
export function failureText(task: TaskView): string {
  const at = task.node === undefined ? '' : ` on ${task.node}`
  const error = task.error ?? task.message ?? 'no reason given'
  if (task.state === 'rejected') return `cannot start${at}: ${error}`
  if (isUnhealthy(task)) return `starts${at} but fails its health check`
  const code = task.exitCode === undefined || task.exitCode === 0 ? '' : ` with exit code ${String(task.exitCode)}`
  return `keeps ending${at}${code}: ${error}`
}

/** A template without its placement, and without the runtime, which the API leaves out of tasks. */
function withoutPlacement(template: ServiceView['template']): ServiceView['template'] {
  return { ...template, Placement: undefined, Runtime: undefined }
}

/** JSON with keys in order and without what is empty: two spellings of one thing become equal. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part
    const entries = Object.entries(part).filter(([, each]) => !isEmpty(each))
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

function isEmpty(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0
  return value === undefined || value === null || value === '' || value === 0 || value === false
}
