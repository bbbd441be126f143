import type Docker from 'dockerode'
import { UsageError } from '../model/errors.ts'
import { LABELS, ZONE } from '../model/names.ts'
import { sortAddresses } from '../overlay/ask-names.ts'
import { slotsFor } from '../overlay/edge-config.ts'
import { waitForNames } from '../overlay/wait-names.ts'
import { listServices, serviceNamed, updateService, type ServiceView } from '../swarm/services.ts'
import { waitForServices } from '../swarm/wait-services.ts'
import { applyEdgeInTurn } from './in-turn.ts'
import type { OpenLab } from './open-lab.ts'
import { openProbes } from './probes.ts'
import { runTask } from './task.ts'
import { finishOpenMoves } from './volumes.ts'

/** What to scale, to how many. */
export interface ScaleOptions {
  readonly service: string
  readonly replicas: number
}

/** What scaling did. */
export interface ScaleResult {
  readonly service: string
  readonly from: number
  readonly to: number
  readonly addresses: readonly string[]
  readonly durationMs: number
}

/** How long tasks may take to come or go, and name servers to tell of it. */
const TASKS_DEADLINE_MS = 180_000
const NAMES_DEADLINE_MS = 20_000

/**
 * Sets the number of a service's tasks and waits until exactly that many run and are healthy, and containers on every
 * node that answers are told exactly their addresses. The number stays until the app's own file says another.
 */
export async function scale(lab: OpenLab, options: ScaleOptions): Promise<ScaleResult> {
  const started = performance.now()
  const { replicas: to } = options
  const { engine } = await lab.manager()
  const service = serviceNamed(await listServices(engine, lab.signal), options.service)
  const from = checkScale(service, to)
  await finishOpenMoves(lab, ({ app }) => app === service.app)
  // Asked for beforehand, at the same time as the change, so that the wait at the end is for the names alone.
  const probes = openProbes(lab)
  probes.catch(() => undefined)
  await updateService(engine, service.id, (spec) => withReplicas(spec, to))

  const addresses = await runTask(lab.emit, `scale ${service.name} to ${String(to)}`, async (task) => {
    const reload = service.labels[LABELS.routes] !== undefined && slotsFor(from) !== slotsFor(to)
    const waiting = {
      deadlineMs: TASKS_DEADLINE_MS,
      signal: lab.signal,
      onProgress: (line: string) => {
        task.progress(line)
      },
    }
    const [standings] = await Promise.all([
      waitForServices(engine, [service.id], { ...waiting, untilGone: false }),
      reload ? applyEdgeInTurn(lab) : undefined,
    ])
    const found = sortAddresses(standings.flatMap(({ ready }) => ready.flatMap((each) => each.address ?? [])))
    await Promise.all([
      namesAgree(lab, probes, service, found, waiting.onProgress),
      waitForServices(engine, [service.id], waiting),
    ])
    return found
  })

  const result = { service: service.name, from, to, addresses, durationMs: Math.round(performance.now() - started) }
  lab.emit({ type: 'scaled', ...result })
  return result
}

/** Pure: the present number of replicas; throws a `UsageError` when the service cannot have `to` of them. */
export function checkScale(service: ServiceView, to: number): number {
  if (!Number.isInteger(to) || to < 0) throw new UsageError(`"${String(to)}" is not a number of replicas`)
  if (service.mode !== 'replicated') {
    throw new UsageError(`${service.name} cannot be scaled: it is a ${service.mode} service`, {
      hint: 'set deploy.mode to replicated in its compose.yml',
    })
  }
  const volume = service.labels[LABELS.volume]
  if (volume !== undefined && volume !== '' && to > 1) {
    throw new UsageError(
      `${service.name} uses the volume ${volume}, which only one task may write: it cannot be scaled past 1`,
      { hint: `lab scale ${service.name} 1` },
    )
  }
  return service.replicas ?? 0
}

/** Pure: the spec with another number of replicas, kept from the next deploy by a label. */
export function withReplicas(spec: Docker.ServiceSpec, to: number): Docker.ServiceSpec | undefined {
  const label = String(to)
  if (spec.Mode?.Replicated?.Replicas === to && spec.Labels?.[LABELS.scaled] === label) return undefined
  return {
    ...spec,
    Labels: { ...spec.Labels, [LABELS.scaled]: label },
    Mode: { ...spec.Mode, Replicated: { ...spec.Mode?.Replicated, Replicas: to } },
  }
}

async function namesAgree(
  lab: OpenLab,
  opening: ReturnType<typeof openProbes>,
  service: ServiceView,
  addresses: readonly string[],
  progress: (line: string) => void,
): Promise<void> {
  const { probes, absent } = await opening
  for (const { node, reason } of absent) {
    lab.emit({ type: 'notice', level: 'warning', message: `${node} is not asked for names: ${reason}` })
  }
  const name = `${service.name}.${ZONE}`
  if (!answersTo(service, name)) return
  progress(`names on ${String(probes.length)} nodes`)
  const wanted = new Map([service.name, name].map((each) => [each, addresses]))
  await waitForNames(probes, wanted, { deadlineMs: NAMES_DEADLINE_MS, signal: lab.signal })
}

/** True when the service has a name on the lab's overlay; one with private networks only has none. */
export function answersTo(service: Pick<ServiceView, 'template'>, name: string): boolean {
  return (service.template.Networks ?? []).some((network) => network.Aliases?.includes(name) ?? false)
}
