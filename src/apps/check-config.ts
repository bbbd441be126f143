import { EDGE_PROTOCOL_LABEL } from '../model/edge-route.ts'
import { isName, nearest, OVERLAY } from '../model/names.ts'
import { checkMounts, checkVolumes } from './check-mounts.ts'
import { checkPorts, checkSharedPorts, type PortContext } from './check-ports.ts'
import { checkResolvedServices } from './check-structure.ts'
import {
  isOverlay,
  joinsLab,
  modeOf,
  volumeLimit,
  volumeName,
  type ComposeConfig,
  type ComposeService,
} from './compose-config.ts'
import type { Finding, Path } from './compose-file.ts'
import { routesOf } from './routes.ts'
import { volumeWishes } from './volume-wishes.ts'

/** What an app is judged against. */
export interface CheckContext extends PortContext {
  readonly app: string
  /** The YAML as the user wrote it, for positions in lists. */
  readonly written: unknown
  /** Where the app's files are on the build node. */
  readonly sourceDirectory: string
  /** Platform of the nodes, as in `linux/amd64`. */
  readonly platform: string
  /** Names no service may take: nodes and what the lab itself answers to. */
  readonly reserved: readonly string[]
  /** Names of the nodes that run apps. */
  readonly workers: readonly string[]
}

/** What is wrong with an app, and what it should be told. */
export interface ConfigReport {
  readonly problems: readonly Finding[]
  readonly remarks: readonly Finding[]
}

const RESTART = /^(no|always|unless-stopped|on-failure(:\d+)?)$/
const MODES = ['replicated', 'global', 'replicated-job', 'global-job']

/** Pure: everything that can be said of a resolved Compose file before anything is built or changed. */
export function checkConfig(config: ComposeConfig, context: CheckContext): ConfigReport {
  const structure = checkResolvedServices(config.services)
  const problems: Finding[] = [
    ...structure.problems,
    ...checkNetworks(config),
    ...checkVolumeNames(config, context.app),
    ...Object.entries(config.volumes ?? {}).flatMap(
      ([key, volume]) => volumeWishes(key, volume, context.workers).problems,
    ),
  ]
  const remarks: Finding[] = [...structure.remarks]
  for (const [name, service] of Object.entries(config.services)) {
    const written = writtenService(context.written, name)
    const mounts = checkMounts(name, service, written['volumes'], context.sourceDirectory)
    problems.push(
      ...checkServiceName(name, context),
      ...checkPorts(name, service, written['ports'], context),
      ...mounts.problems,
      ...checkService(name, service, context),
      ...checkAliases(name, service, context),
    )
    if (routesOf(service).length > 0 && !joinsLab(config, service, OVERLAY)) {
      const message = 'the edge cannot reach a service on private networks only: add default to its networks'
      problems.push({ path: ['services', name, 'networks'], part: 'key', message })
    }
    remarks.push(...mounts.remarks, ...remarksOn(name, service))
  }
  problems.push(...checkSharedPorts(config.services), ...checkVolumes(config))
  return { problems, remarks }
}

function checkServiceName(name: string, { app, reserved, others }: CheckContext): readonly Finding[] {
  const at = (message: string): readonly Finding[] => [{ path: ['services', name], part: 'key', message }]
  if (!isName(name)) {
    const near = name.toLowerCase().replaceAll(/[^a-z0-9-]+/g, '-')
    return at(`"${name}" is no host name: use a-z, 0-9 and -${isName(near) ? `, as in ${near}` : ''}`)
  }
  if (reserved.includes(name)) return at(`"${name}" is the lab's own name: call the service something else`)
  const owner = others.find(({ service }) => service === name)
  if (owner !== undefined) {
    return at(`service ${name} belongs to app ${owner.app}, and names are lab-wide: app ${app} cannot have it too`)
  }
  const length = app.length + 1 + name.length
  return length > 63 ? at(`${app}_${name} has ${String(length)} letters; Swarm allows 63`) : []
}

function checkService(name: string, service: ComposeService, context: CheckContext): readonly Finding[] {
  const findings: Finding[] = []
  const add = (path: Path, message: string) =>
    findings.push({ path: ['services', name, ...path], part: 'value', message })
  const { deploy } = service
  if (service.image === undefined && service.build === undefined) add([], `service ${name} has neither image nor build`)
  if (!MODES.includes(modeOf(service))) add(['deploy', 'mode'], `mode is one of ${MODES.join(', ')}`)
  if (deploy?.endpoint_mode !== undefined && deploy.endpoint_mode !== 'dnsrr') {
    add(
      ['deploy', 'endpoint_mode'],
      `${deploy.endpoint_mode} needs IPVS on every node; in a lab a name answers with all tasks (dnsrr)`,
    )
  }
  if (service.restart !== undefined && !RESTART.test(service.restart)) {
    add(['restart'], `restart is no, always, unless-stopped or on-failure, not "${service.restart}"`)
  }
  if (service.platform !== undefined && !samePlatform(service.platform, context.platform)) {
    add(['platform'], `the nodes are ${context.platform}, not ${service.platform}`)
  }
  for (const platform of service.build?.platforms ?? []) {
    if (!samePlatform(platform, context.platform)) {
      add(['build', 'platforms'], `the nodes are ${context.platform}, not ${platform}`)
    }
  }
  for (const [index, constraint] of (deploy?.placement?.constraints ?? []).entries()) {
    const message = constraintProblem(constraint, context.workers)
    if (message !== undefined) add(['deploy', 'placement', 'constraints', index], message)
  }
  for (const label of Object.keys({ ...service.labels, ...deploy?.labels })) {
    if (!label.startsWith('lab.') || label === EDGE_PROTOCOL_LABEL) continue
    const path = deploy?.labels?.[label] === undefined ? ['labels', label] : ['deploy', 'labels', label]
    add(path, `labels that begin with lab. are lab's own; an app may set ${EDGE_PROTOCOL_LABEL}`)
  }
  return findings
}

function constraintProblem(constraint: string, workers: readonly string[]): string | undefined {
  const [, key, operator, value = ''] = /^\s*(node\.[a-z]+)\s*(==|!=)\s*(.*?)\s*$/.exec(constraint) ?? []
  if (key === 'node.role' && (operator === '==') === (value === 'manager')) return 'apps run on workers only'
  if (key !== 'node.hostname' || operator !== '==' || workers.includes(value)) return undefined
  const near = nearest(value, workers)
  return `no worker is called "${value}"; ${near === undefined ? `there are ${workers.join(', ')}` : `did you mean "${near}"?`}`
}

function samePlatform(asked: string, nodes: string): boolean {
  const full = asked.includes('/') ? asked : `linux/${asked}`
  return full === nodes || full.startsWith(`${nodes}/`)
}

function checkAliases(name: string, service: ComposeService, { reserved, others }: CheckContext): readonly Finding[] {
  return (service.networks?.['default']?.aliases ?? []).flatMap((alias, index) => {
    const owner = others.find((other) => other.service === alias)
    const message = reserved.includes(alias)
      ? `"${alias}" is the lab's own name`
      : owner === undefined
        ? undefined
        : `"${alias}" is a service of app ${owner.app}, and names are lab-wide`
    const path = ['services', name, 'networks', 'default', 'aliases', index]
    return message === undefined ? [] : [{ path, part: 'value' as const, message }]
  })
}

function checkNetworks(config: ComposeConfig): readonly Finding[] {
  return Object.entries(config.networks ?? {}).flatMap(([key, network]) => {
    const findings: Finding[] = []
    const add = (path: Path, message: string) =>
      findings.push({ path: ['networks', key, ...path], part: 'value', message })
    if (network === null || isOverlay(network, OVERLAY)) return []
    const settings =
      Object.keys(network.ipam ?? {}).length > 0 || network.external === true || network.internal === true
    if (key === 'default' && (settings || network.driver_opts !== undefined)) {
      add([], "the default network is the lab's overlay, which all apps share: declare another for settings of its own")
    }
    if (network.driver !== undefined && network.driver !== 'overlay') {
      add(['driver'], `a network of driver ${network.driver} ends at its node: leave the driver out`)
    }
    if (network.ipam?.driver !== undefined && network.ipam.driver !== 'default') {
      add(['ipam', 'driver'], 'Swarm gives out the addresses: leave the driver out')
    }
    for (const [index, pool] of (network.ipam?.config ?? []).entries()) {
      const other = Object.keys(pool).find((setting) => setting !== 'subnet')
      if (other !== undefined) add(['ipam', 'config', index, other], `${other}: Swarm takes a subnet only`)
    }
    return findings
  })
}

function checkVolumeNames(config: ComposeConfig, app: string): readonly Finding[] {
  const names = new Map<string, string>()
  return Object.entries(config.volumes ?? {}).flatMap(([key, volume]) => {
    const at = (path: Path, message: string): readonly Finding[] => [
      { path: ['volumes', key, ...path], part: 'key', message },
    ]
    const name = volumeName(app, key, volume)
    const other = names.get(name)
    names.set(name, key)
    if (!isName(name)) return at([], `"${name}" cannot be a volume's name: use a-z, 0-9 and -, at most 63 letters`)
    if (other !== undefined) return at([], `${other} and ${key} would both be volume ${name}`)
    const limit = volume?.['x-lab']?.limit
    if (limit !== undefined && volumeLimit(volume) === undefined) {
      return at(['x-lab', 'limit'], `"${String(limit)}" is not a size: write it like 2GiB or 512MiB`)
    }
    const driver = volume?.driver ?? 'local'
    return driver === 'local'
      ? []
      : at(['driver'], `driver ${driver}: lab makes the volume, so that it can move between nodes`)
  })
}

function remarksOn(name: string, service: ComposeService): readonly Finding[] {
  const remarks: Finding[] = []
  const add = (path: Path, message: string) => remarks.push({ path: ['services', name, ...path], part: 'key', message })
  const needs = Object.keys(service.depends_on ?? {})
  if (needs.length > 0) {
    add(
      ['depends_on'],
      `a cluster starts services in no order: ${name} may start before ${needs.join(', ')}, and is started again until it comes up`,
    )
  }
  if (service.logging !== undefined)
    add(['logging'], `lines of ${name} go where the file says, so lab logs has none of them`)
  return remarks
}

function writtenService(written: unknown, name: string): Readonly<Record<string, unknown>> {
  const services = (written as { services?: Readonly<Record<string, unknown>> } | undefined)?.services
  const service = services?.[name]
  return typeof service === 'object' && service !== null ? (service as Readonly<Record<string, unknown>>) : {}
}
