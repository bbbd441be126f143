import { LABELS, volumeLabel } from '../model/names.ts'
import { modeOf, replicasOf, volumeKeys, type ComposeService } from './compose-config.ts'
import { writeSource } from './image-source.ts'
import { isOnEdge, routesOf } from './routes.ts'
import type { PinnedImage, StackDeploy, StackInputs } from './stack-file.ts'

/** Keeps apps on nodes with the role worker (the swarm calls edges workers, too), by a label that the cluster's playbook sets. */
export const ON_WORKERS = 'node.labels.lab.role.worker==true'
const RESTART_DELAY = '200ms'
/** How long a new task must stay up: health checks speak for themselves, without one a crash takes a moment to show. */
const MONITOR = { checked: '1s', unchecked: '3s' } as const

/** Pure: the `deploy` section of one service. */
export function transformDeploy(
  name: string,
  service: ComposeService,
  image: PinnedImage,
  inputs: StackInputs,
): StackDeploy {
  const { deploy } = service
  const mode = modeOf(service)
  const isJob = mode.endsWith('-job')
  const volumes = volumeKeys(service).map((key) => inputs.volumes.get(key)?.name ?? key)
  const fileReplicas = replicasOf(service)
  const scaled = keptScale(name, fileReplicas, volumes.length > 0, inputs)
  const replicas = scaled ?? fileReplicas
  const resources = transformResources(service)
  const routes = routesOf(service)
  return {
    mode,
    ...(replicas === undefined ? {} : { replicas }),
    endpoint_mode: 'dnsrr',
    labels: {
      ...deploy?.labels,
      [LABELS.app]: inputs.app,
      [LABELS.service]: name,
      [LABELS.deployed]: inputs.deployed,
      [LABELS.image]: writeSource(image.source),
      ...(fileReplicas === undefined ? {} : { [LABELS.fileReplicas]: String(fileReplicas) }),
      ...(scaled === undefined ? {} : { [LABELS.scaled]: String(scaled) }),
      ...(routes.length === 0 ? {} : { [LABELS.routes]: JSON.stringify(routes) }),
      ...(volumes[0] === undefined ? {} : { [LABELS.volume]: volumes[0] }),
    },
    placement: {
      ...deploy?.placement,
      constraints: [
        ON_WORKERS,
        ...volumes.map((volume) => `node.labels.${volumeLabel(volume)}==here`),
        ...(deploy?.placement?.constraints ?? []),
      ],
    },
    ...(resources === undefined ? {} : { resources }),
    restart_policy: restartPolicy(service, isJob),
    ...(isJob ? {} : updates(service, volumes.length > 0)),
  }
}

/** What `lab scale` set stays until the file's own value changes. A service with a volume has one task at most. */
function keptScale(
  name: string,
  fileReplicas: number | undefined,
  hasVolume: boolean,
  inputs: StackInputs,
): number | undefined {
  const scaled = inputs.scaled.get(name)
  if (scaled === undefined || fileReplicas === undefined || scaled.fileReplicas !== fileReplicas) return undefined
  return hasVolume ? Math.min(scaled.replicas, 1) : scaled.replicas
}

/** Limits of the older keys move to where Swarm has them; Compose made sure that both say the same where both are. */
function transformResources(service: ComposeService): unknown {
  const limits = {
    ...(service.cpus === undefined ? {} : { cpus: String(service.cpus) }),
    ...(service.mem_limit === undefined ? {} : { memory: service.mem_limit }),
    ...(service.pids_limit === undefined ? {} : { pids: service.pids_limit }),
    ...asText(service.deploy?.resources?.limits),
  }
  const reservations = {
    ...(service.mem_reservation === undefined ? {} : { memory: service.mem_reservation }),
    ...asText(service.deploy?.resources?.reservations),
  }
  const resources = {
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(Object.keys(reservations).length === 0 ? {} : { reservations }),
  }
  return Object.keys(resources).length === 0 ? undefined : resources
}

/** The newer tool prints CPUs as a number, the older one reads a text. */
function asText(resources: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, unknown>> {
  const cpus = resources?.['cpus']
  return typeof cpus === 'number' ? { ...resources, cpus: String(cpus) } : { ...resources }
}

function restartPolicy(service: ComposeService, isJob: boolean): unknown {
  const [word = '', attempts] = (service.restart ?? '').split(':')
  const condition = word === 'no' ? 'none' : word === 'on-failure' ? 'on-failure' : 'any'
  return {
    // A job is done when it ends, so "always again" cannot be meant.
    condition: isJob && condition === 'any' ? 'on-failure' : condition,
    delay: RESTART_DELAY,
    ...(attempts === undefined ? {} : { max_attempts: Number(attempts) }),
    ...service.deploy?.restart_policy,
  }
}

/**
 * A new task is up before the old one goes, so that the edge always has one to send to; whatever fails puts the version
 * before back. Not so where two tasks cannot be at once: with a volume, or a port of the node.
 */
function updates(service: ComposeService, hasVolume: boolean): Readonly<Record<string, unknown>> {
  const alone = hasVolume || (service.ports ?? []).some((port) => !isOnEdge(port)) || modeOf(service) === 'global'
  const order = alone ? 'stop-first' : 'start-first'
  const checked = service.healthcheck?.test !== undefined && service.healthcheck.disable !== true
  const update = {
    parallelism: 1,
    order,
    failure_action: 'rollback',
    monitor: checked ? MONITOR.checked : MONITOR.unchecked,
    ...service.deploy?.update_config,
  }
  const rollback = { parallelism: 0, order, failure_action: 'pause', monitor: '1s', ...service.deploy?.rollback_config }
  return {
    update_config: hasVolume ? { ...update, order: 'stop-first' } : update,
    rollback_config: hasVolume ? { ...rollback, order: 'stop-first' } : rollback,
  }
}
