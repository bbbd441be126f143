import { SERVICE_LOGGING } from '../model/service-logging.ts'
import {
  type ComposeConfig,
  type ComposeFileReference,
  type ComposeHealthcheck,
  type ComposeMount,
  type ComposePort,
  type ComposeService,
  volumeKeys,
} from './compose-config.ts'
import { isOnEdge, publishedPort } from './routes.ts'
import type { PinnedImage, StackInputs, StackService } from './stack-file.ts'
import { transformDeploy } from './transform-deploy.ts'
import { serviceNetworks } from './transform-networks.ts'

/** Keys that mean the same to `docker stack deploy`. */
const SAME = [
  'cap_add',
  'cap_drop',
  'command',
  'dns',
  'dns_search',
  'entrypoint',
  'environment',
  'hostname',
  'init',
  'labels',
  'read_only',
  'stdin_open',
  'stop_grace_period',
  'stop_signal',
  'sysctls',
  'tty',
  'ulimits',
  'user',
  'working_dir',
] as const

/** How often lab has a health check run where the file does not say: a task counts as up as soon as it is. */
const HEALTH_INTERVAL = '1s'

/** Pure: one service of a checked Compose file as Swarm takes it. */
export function transformService(
  name: string,
  service: ComposeService,
  config: ComposeConfig,
  inputs: StackInputs,
): StackService {
  const image = inputs.images.get(name)
  if (image === undefined) throw new RangeError(`service ${name} has no image`)
  const same = SAME.flatMap((key) => (isPresent(service[key]) ? [[key, service[key]] as const] : []))
  const healthcheck = transformHealthcheck(service.healthcheck, image)
  const mounts = transformMounts(service)
  const ports = [
    ...(service.ports ?? []).filter((port) => !isOnEdge(port)).map(nodePort),
    ...volumeKeys(service).map((key) => lockPort(inputs, key)),
  ]
  return {
    ...Object.fromEntries(same),
    image: image.reference,
    ...(healthcheck === undefined ? {} : { healthcheck }),
    ...(mounts.length === 0 ? {} : { volumes: mounts }),
    ...(ports.length === 0 ? {} : { ports }),
    ...(service.extra_hosts === undefined ? {} : { extra_hosts: service.extra_hosts.map(hostEntry) }),
    ...references('configs', service.configs, ''),
    ...references('secrets', service.secrets, '/run/secrets/'),
    networks: serviceNetworks(name, service, config),
    logging: service.logging ?? SERVICE_LOGGING,
    deploy: transformDeploy(name, service, image, inputs),
  }
}

/** Where the file (or else the image) has a check but no interval, lab has it run often. */
function transformHealthcheck(
  check: ComposeHealthcheck | undefined,
  image: PinnedImage,
): ComposeHealthcheck | undefined {
  if (check?.disable === true) return { disable: true }
  const inImage = check?.test === undefined && image.checksWithoutInterval
  if (check === undefined) return inImage ? { interval: HEALTH_INTERVAL } : undefined
  return check.interval === undefined && (check.test !== undefined || inImage)
    ? { ...check, interval: HEALTH_INTERVAL }
    : check
}

function transformMounts(service: ComposeService): readonly unknown[] {
  const shm =
    service.shm_size === undefined
      ? []
      : [{ type: 'tmpfs', target: '/dev/shm', tmpfs: { size: bytes(service.shm_size) } }]
  return [...(service.volumes ?? []).map(transformMount), ...(service.tmpfs ?? []).map(transformTmpfs), ...shm]
}

function transformMount(mount: ComposeMount): unknown {
  const { type, source, target, read_only: readOnly } = mount
  const size = mount.tmpfs?.size
  return {
    type,
    ...(source === undefined || source === '' ? {} : { source }),
    target,
    ...(readOnly === true ? { read_only: true } : {}),
    ...(mount.bind?.propagation === undefined ? {} : { bind: { propagation: mount.bind.propagation } }),
    ...(mount.volume?.nocopy === true ? { volume: { nocopy: true } } : {}),
    ...(size === undefined ? {} : { tmpfs: { size: bytes(size) } }),
  }
}

function transformTmpfs(entry: string): unknown {
  const [target = '', options = ''] = entry.split(':')
  const size = /(?:^|,)size=([^,]+)/.exec(options)?.[1]
  return { type: 'tmpfs', target, ...(size === undefined ? {} : { tmpfs: { size: bytes(size) } }) }
}

function nodePort(port: ComposePort): unknown {
  const published = publishedPort(port)
  return {
    mode: 'host',
    target: port.target,
    ...(published === undefined ? {} : { published }),
    protocol: port.protocol ?? 'tcp',
  }
}

/** Two tasks with the same port of a node cannot run on it at once, so a volume never has two writers. */
function lockPort(inputs: StackInputs, key: string): unknown {
  const volume = inputs.volumes.get(key)
  if (volume === undefined) throw new RangeError(`volume ${key} was not made`)
  return { mode: 'host', target: volume.lockPort, published: volume.lockPort, protocol: 'udp' }
}

/** `name=address`, as the newer tool prints it, becomes `name:address`, as the older one reads it. */
function hostEntry(entry: string): string {
  return entry.includes('=') ? entry.replace('=', ':') : entry
}

function references(
  section: 'configs' | 'secrets',
  used: readonly ComposeFileReference[] | undefined,
  defaultDirectory: string,
): Readonly<Record<string, unknown>> {
  if (used === undefined || used.length === 0) return {}
  return {
    [section]: used.map(({ source, target, uid, gid, mode }) => ({
      source,
      // Swarm puts secrets below /run/secrets by itself, and takes a path from there on.
      ...(target === undefined ? {} : { target: stripped(target, defaultDirectory) }),
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
      ...(mode === undefined ? {} : { mode }),
    })),
  }
}

function stripped(target: string, directory: string): string {
  return directory !== '' && target.startsWith(directory) ? target.slice(directory.length) : target
}

/** `64m`, `1g`, `65536` in bytes. */
function bytes(size: string): number {
  const [, number = '0', unit = ''] = /^([\d.]+)\s*([kmgt]?)/i.exec(size) ?? []
  return Math.round(Number(number) * 1024 ** ' kmgt'.indexOf(unit.toLowerCase() || ' '))
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}
