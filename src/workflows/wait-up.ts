import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { failureText, hasFailed, isCurrent, isOneShot, type ServiceFailure } from '../swarm/judge-services.ts'
import { listNodes, type SwarmNode } from '../swarm/nodes.ts'
import { readService, type ServiceView } from '../swarm/services.ts'
import { isAlive, listTasks, type TaskView } from '../swarm/tasks.ts'
import { ServicesFailedError, waitForServices, type WaitForServicesOptions } from '../swarm/wait-services.ts'

/** How often a task must have ended before its service counts as one that does not start. */
const CRASHES = 4
/** How long services may crash while others of the same app, which they may need, are not up yet. */
const PATIENCE_MS = 12_000
/** Between two looks at tasks that ended. */
const LOOK_MS = 500
/** What a task takes to stop beside its own grace: its name is withdrawn first, and the scheduler hears of it last. */
const STOP_MS = 15_000
const DEFAULT_GRACE_MS = 10_000

/**
 * Waits for services as {@link waitForServices} does, where two things need more than one look at the swarm: a task that
 * takes over a port of its node waits until the task before has let go of it, and of tasks that crash on start the swarm
 * remembers too few to count.
 */
export async function waitForUp(
  engine: Docker,
  services: readonly ServiceView[],
  options: WaitForServicesOptions,
): Promise<void> {
  const started = performance.now()
  const ids = services.map(({ id }) => id)
  const handOverMs = Math.max(...services.map(stopMs))
  for (;;) {
    const deadlineMs = Math.max(options.deadlineMs - (performance.now() - started), 0)
    try {
      await withCrashCount(engine, ids, options, (signal) =>
        waitForServices(engine, ids, { ...options, deadlineMs, signal }).then(() => undefined),
      )
      return
    } catch (error) {
      if (!(error instanceof ServicesFailedError) || !error.failures.every(waitsForPort)) throw error
      if (performance.now() - started > handOverMs) throw error
    }
  }
}

/** Pure: true for a task that finds no place only because the one before it still holds a port of the node. */
export function waitsForPort({ reason, message }: Pick<ServiceFailure, 'reason' | 'message'>): boolean {
  return reason === 'unplaced' && message.includes('host-mode port already in use')
}

/** Remembers tasks that ended over many looks, as the swarm itself keeps but the last few. */
export class CrashCount {
  private history: ReadonlySet<string> | undefined
  private readonly ended = new Map<string, Map<string, TaskView>>()
  private readonly since = new Map<string, number>()

  /** Takes one look; returns the services that do not start. `now` in milliseconds, of any clock. */
  look(
    services: readonly ServiceView[],
    tasks: readonly TaskView[],
    nodes: readonly SwarmNode[],
    now: number,
  ): readonly ServiceFailure[] {
    this.history ??= new Set(tasks.filter((task) => !isAlive(task)).map(({ id }) => id))
    for (const service of services) {
      const known = this.ended.get(service.id) ?? new Map<string, TaskView>()
      this.ended.set(service.id, known)
      for (const task of tasks) {
        const counts = task.serviceId === service.id && !this.history.has(task.id)
        if (counts && hasFailed(task, service) && isCurrent(task, service, nodes)) known.set(task.id, task)
      }
    }
    return services.flatMap((service) => this.failureOf(service, now) ?? [])
  }

  private failureOf(service: ServiceView, now: number): ServiceFailure | undefined {
    const ended = [...(this.ended.get(service.id)?.values() ?? [])].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
    const [last] = ended
    // What may end by itself, and how often, is for its restart policy to say.
    if (last === undefined || isOneShot(service) || ended.length < CRASHES) return undefined
    const since = this.since.get(service.id) ?? now
    this.since.set(service.id, since)
    const alone = this.ended.size === 1
    if (!alone && now - since < PATIENCE_MS) return undefined
    return { service: service.name, app: service.app, reason: 'crashed', message: failureText(last), task: last }
  }
}

/** Runs a wait that ends early when services turn out not to start. */
async function withCrashCount(
  engine: Docker,
  ids: readonly string[],
  options: WaitForServicesOptions,
  wait: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const done = new AbortController()
  const stop = options.signal === undefined ? done.signal : AbortSignal.any([options.signal, done.signal])
  const count = new CrashCount()
  const watch = async () => {
    for (;;) {
      const nodes = await listNodes(engine, stop)
      const services = (await engine.listServices({ filters: { id: [...ids] } })).map(readService)
      const failures = count.look(services, await listTasks(engine, ids, nodes, stop), nodes, performance.now())
      if (failures.length > 0) throw new ServicesFailedError(failures)
      await delay(LOOK_MS, undefined, { signal: stop })
    }
  }
  try {
    await Promise.race([wait(stop), watch()])
  } finally {
    done.abort()
  }
}

function stopMs(service: ServiceView): number {
  const grace = (service.template.ContainerSpec as { readonly StopGracePeriod?: number } | undefined)?.StopGracePeriod
  return STOP_MS + (grace === undefined ? DEFAULT_GRACE_MS : grace / 1e6)
}
