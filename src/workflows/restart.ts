import type Docker from 'dockerode'
import { unknownName } from '../model/names.ts'
import { listServices, updateService, type ServiceView } from '../swarm/services.ts'
import { waitForServices } from '../swarm/wait-services.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'
import { finishOpenMoves } from './volumes.ts'

/** What to restart. */
export interface RestartOptions {
  /** A service, or an app: all its services. */
  readonly service: string
}

const DEADLINE_MS = 180_000
/** How long a task without a health check must stay up to be believed. */
const STABLE_MS = 2000

/**
 * Replaces every task of a service by a new one and waits until all are healthy. As in a deploy, the new one is up before
 * the old one goes, unless the service has a volume. Returns the names of what was restarted.
 */
export async function restart(lab: OpenLab, options: RestartOptions): Promise<readonly string[]> {
  const started = performance.now()
  const { engine } = await lab.manager()
  const services = chosen(await listServices(engine, lab.signal), options.service)
  await finishOpenMoves(lab, ({ app }) => services.some((service) => service.app === app))
  const names = services.map(({ name }) => name)
  await runTask(lab.emit, `restart ${names.join(', ')}`, async (task) => {
    await Promise.all(services.map(({ id }) => updateService(engine, id, forced)))
    await waitForServices(
      engine,
      services.map(({ id }) => id),
      {
        deadlineMs: DEADLINE_MS,
        stableMs: STABLE_MS,
        signal: lab.signal,
        onProgress: (line) => {
          task.progress(line)
        },
      },
    )
  })
  lab.emit({
    type: 'done',
    command: 'restart',
    message: `restarted ${names.join(', ')}`,
    durationMs: Math.round(performance.now() - started),
  })
  return names
}

/** Pure: the service of that name, else all services of the app of that name; throws a `UsageError` with the nearest. */
export function chosen(services: readonly ServiceView[], typed: string): readonly ServiceView[] {
  const named = services.filter(({ name }) => name === typed)
  const found = named.length > 0 ? named : services.filter(({ app }) => app === typed)
  if (found.length > 0) return found
  throw unknownName(
    'service',
    typed,
    services.map(({ name }) => name),
  )
}

/** Pure: the same spec, asking for new tasks all the same. */
export function forced(spec: Docker.ServiceSpec): Docker.ServiceSpec {
  const template = (spec.TaskTemplate ?? {}) as Docker.ContainerTaskSpec
  return { ...spec, TaskTemplate: { ...template, ForceUpdate: (template.ForceUpdate ?? 0) + 1 } }
}
