import type Docker from 'dockerode'
import { LabError } from '../model/errors.ts'
import { LABELS, unknownName } from '../model/names.ts'
import { engineMessage } from './engine.ts'
import { isOutOfSequence } from './nodes.ts'

/** How a service decides how many tasks it has. */
export type ServiceMode = 'replicated' | 'global' | 'replicated-job' | 'global-job'

/** A service of an app of the lab. */
export interface ServiceView {
  readonly id: string
  /** What users call it. */
  readonly name: string
  readonly app: string
  /** Name of the Swarm object: `<app>_<service>`. */
  readonly objectName: string
  readonly mode: ServiceMode
  /** Replicas, or completions of a job; undefined for global ones, where the number of nodes decides. */
  readonly replicas: number | undefined
  readonly image: string
  readonly constraints: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly template: Docker.ContainerTaskSpec
  readonly update: { readonly state: string; readonly message: string } | undefined
  readonly jobIteration: number | undefined
}

/** Every service that belongs to an app of the lab, by name. */
export async function listServices(engine: Docker, signal?: AbortSignal): Promise<readonly ServiceView[]> {
  const services = await engine.listServices({
    filters: { label: [LABELS.app] },
    ...(signal === undefined ? {} : { abortSignal: signal }),
  })
  return services.map(readService).sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Pure: the parts of a listed service that lab uses. */
export function readService(service: Pick<Docker.Service, 'ID' | 'Spec' | 'UpdateStatus' | 'JobStatus'>): ServiceView {
  const spec = service.Spec ?? {}
  const template = (spec.TaskTemplate ?? {}) as Docker.ContainerTaskSpec
  const labels = spec.Labels ?? {}
  const mode = spec.Mode ?? {}
  const app = labels[LABELS.app] ?? labels['com.docker.stack.namespace'] ?? ''
  const objectName = spec.Name ?? service.ID
  return {
    id: service.ID,
    name: labels[LABELS.service] ?? (objectName.startsWith(`${app}_`) ? objectName.slice(app.length + 1) : objectName),
    app,
    objectName,
    mode: modeOf(mode),
    replicas: mode.Replicated?.Replicas ?? mode.ReplicatedJob?.TotalCompletions,
    image: template.ContainerSpec?.Image ?? '',
    constraints: template.Placement?.Constraints ?? [],
    labels,
    template,
    update:
      service.UpdateStatus?.State === undefined
        ? undefined
        : { state: service.UpdateStatus.State, message: service.UpdateStatus.Message ?? '' },
    jobIteration: service.JobStatus?.JobIteration.Index,
  }
}

/** The service with the name a user typed; throws a `UsageError` with the nearest one. */
export function serviceNamed(services: readonly ServiceView[], typed: string): ServiceView {
  const found =
    services.find((service) => service.name === typed) ?? services.find((service) => service.objectName === typed)
  if (found !== undefined) return found
  throw unknownName(
    'service',
    typed,
    services.map((service) => service.name),
  )
}

/**
 * Changes the spec of a service. `change` gets a copy of what is there and returns what shall be, or undefined to leave
 * it; another writer in between makes it run again on that one's result. Returns whether something was changed.
 */
export async function updateService(
  engine: Docker,
  id: string,
  change: (spec: Docker.ServiceSpec) => Docker.ServiceSpec | undefined,
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const service = (await engine.getService(id).inspect()) as Docker.Service
    const name = service.Spec?.Name ?? id
    const spec = change(structuredClone(service.Spec ?? {}))
    if (spec === undefined) return false
    try {
      await engine.getService(id).update({ _query: { version: service.Version?.Index ?? 0 }, _body: spec })
      return true
    } catch (error) {
      if (!isOutOfSequence(error) || attempt >= 10) {
        throw new LabError('SERVICE_UPDATE', `the swarm refused the change: ${engineMessage(error)}`, {
          where: name,
          cause: error,
        })
      }
    }
  }
}

function modeOf(mode: Docker.ServiceMode): ServiceMode {
  if (mode.Global !== undefined) return 'global'
  if (mode.GlobalJob !== undefined) return 'global-job'
  return mode.ReplicatedJob === undefined ? 'replicated' : 'replicated-job'
}
