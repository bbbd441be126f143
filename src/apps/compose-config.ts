import { parse } from 'yaml'
import { parseSize } from '../model/sizes.ts'

/**
 * What `docker compose config --format json` prints: everything in its long form, variables replaced. Only the parts lab
 * reads are typed; the rest passes through.
 */
export interface ComposeConfig {
  readonly name: string
  readonly services: Readonly<Record<string, ComposeService>>
  readonly networks?: Readonly<Record<string, ComposeNetwork | null>>
  readonly volumes?: Readonly<Record<string, ComposeVolume | null>>
  readonly configs?: Readonly<Record<string, ComposeFileObject>>
  readonly secrets?: Readonly<Record<string, ComposeFileObject>>
}

export interface ComposeService {
  readonly [key: string]: unknown
  readonly image?: string
  readonly build?: ComposeBuild
  readonly ports?: readonly ComposePort[]
  readonly volumes?: readonly ComposeMount[]
  readonly tmpfs?: readonly string[]
  readonly networks?: Readonly<Record<string, { readonly aliases?: readonly string[] } | null>>
  readonly configs?: readonly ComposeFileReference[]
  readonly secrets?: readonly ComposeFileReference[]
  readonly depends_on?: Readonly<Record<string, { readonly condition?: string }>>
  readonly healthcheck?: ComposeHealthcheck
  readonly labels?: Readonly<Record<string, string>>
  readonly logging?: { readonly driver?: string; readonly options?: Readonly<Record<string, unknown>> }
  readonly deploy?: ComposeDeploy
  readonly scale?: number
  readonly restart?: string
  readonly platform?: string
  readonly pull_policy?: string
  readonly cpus?: number
  readonly mem_limit?: string
  readonly mem_reservation?: string
  readonly pids_limit?: number
  readonly shm_size?: string
  readonly extra_hosts?: readonly string[]
  readonly entrypoint?: readonly string[] | null
  readonly command?: readonly string[] | null
}

export interface ComposeBuild {
  readonly [key: string]: unknown
  readonly context?: string
  readonly dockerfile?: string
  readonly dockerfile_inline?: string
  readonly args?: Readonly<Record<string, string | null>>
  readonly labels?: Readonly<Record<string, string>>
  readonly target?: string
  readonly network?: string
  readonly extra_hosts?: readonly string[]
  readonly shm_size?: string
  readonly no_cache?: boolean
  readonly pull?: boolean
  readonly platforms?: readonly string[]
  readonly secrets?: readonly { readonly source: string; readonly target?: string }[]
  readonly additional_contexts?: Readonly<Record<string, string>>
  readonly ulimits?: Readonly<Record<string, number | { readonly soft: number; readonly hard: number }>>
}

export interface ComposePort {
  readonly mode?: string
  readonly target: number
  /** Absent: any free port. May be a range `8000-8010`. */
  readonly published?: string
  readonly protocol?: string
  readonly host_ip?: string
}

export interface ComposeMount {
  readonly type: string
  readonly source?: string
  readonly target: string
  readonly read_only?: boolean
  readonly consistency?: string
  readonly bind?: { readonly propagation?: string; readonly create_host_path?: boolean; readonly selinux?: string }
  readonly volume?: { readonly nocopy?: boolean; readonly subpath?: string }
  readonly tmpfs?: { readonly size?: string; readonly mode?: number }
}

export interface ComposeNetwork {
  readonly name?: string
  readonly driver?: string
  readonly driver_opts?: Readonly<Record<string, string>>
  readonly external?: boolean
  readonly internal?: boolean
  readonly attachable?: boolean
  readonly labels?: Readonly<Record<string, string>>
  readonly ipam?: { readonly driver?: string; readonly config?: readonly { readonly subnet?: string }[] }
}

export interface ComposeVolume {
  readonly name?: string
  readonly driver?: string
  readonly labels?: Readonly<Record<string, string>>
  /** Made by hand, with `lab volume create`. */
  readonly external?: boolean
  /** What lab is told beyond Compose. */
  readonly 'x-lab'?: VolumeExtension
}

/** `x-lab:` of a volume. */
export interface VolumeExtension {
  /** The most it may hold. */
  readonly limit?: string | number
  /** Where copies are kept up to date, and how often. */
  readonly replicate?: ReplicaExtension | readonly ReplicaExtension[] | null
  /** How many snapshots of each schedule stay. */
  readonly keep?: Readonly<Record<string, string | number>> | null
  /** Commands around each snapshot: a line for a shell, or words. */
  readonly hooks?: Readonly<Partial<Record<'pre' | 'post', string | readonly string[] | null>>> | null
}

interface ReplicaExtension {
  readonly to?: string
  readonly every?: string
}

/** A config or secret of the file's top level. */
export interface ComposeFileObject {
  readonly name?: string
  readonly file?: string
  readonly content?: string
  readonly environment?: string
  readonly external?: boolean
  readonly labels?: Readonly<Record<string, string>>
  readonly template_driver?: string
}

/** A config or secret as a service uses it. */
export interface ComposeFileReference {
  readonly source: string
  readonly target?: string
  readonly uid?: string
  readonly gid?: string
  readonly mode?: number
}

export interface ComposeHealthcheck {
  readonly test?: readonly string[]
  readonly interval?: string
  readonly timeout?: string
  readonly retries?: number
  readonly start_period?: string
  readonly start_interval?: string
  readonly disable?: boolean
}

export interface ComposeDeploy {
  readonly mode?: string
  readonly replicas?: number
  readonly endpoint_mode?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly placement?: {
    readonly constraints?: readonly string[]
    readonly preferences?: readonly Readonly<Record<string, string>>[]
    readonly max_replicas_per_node?: number
  }
  readonly resources?: {
    readonly limits?: Readonly<Record<string, unknown>>
    readonly reservations?: Readonly<Record<string, unknown>>
  }
  readonly restart_policy?: Readonly<Record<string, unknown>>
  readonly update_config?: Readonly<Record<string, unknown>>
  readonly rollback_config?: Readonly<Record<string, unknown>>
}

/**
 * Reads the tool's output. It doubles every dollar sign, so that its output can be its input; here they are single.
 * `yaml`: the same as YAML, in which alone are the extensions of volumes.
 */
export function parseComposeConfig(json: string, yaml = ''): ComposeConfig {
  const config = JSON.parse(json) as ComposeConfig
  const extended = (parse(yaml) as Pick<ComposeConfig, 'volumes'> | null)?.volumes ?? {}
  const volumes = Object.entries(config.volumes ?? {}).map(([key, volume]) => {
    const extension = extended[key]?.['x-lab']
    return [key, extension === undefined ? volume : { ...volume, 'x-lab': extension }] as const
  })
  const whole = volumes.length === 0 ? config : { ...config, volumes: Object.fromEntries(volumes) }
  return mapStrings(whole, (text) => text.replaceAll('$$', '$')) as ComposeConfig
}

/** Doubles every dollar sign again: `docker stack deploy` replaces variables too, and must find none. */
export function escapeDollars<T>(value: T): T {
  return mapStrings(value, (text) => text.replaceAll('$', '$$$$')) as T
}

function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, change)]))
}

/** The service's mode, `replicated` when the file says nothing. */
export function modeOf(service: ComposeService): string {
  return service.deploy?.mode ?? 'replicated'
}

/** Replicas the file asks for; undefined for a mode that counts nodes. */
export function replicasOf(service: ComposeService): number | undefined {
  if (modeOf(service).startsWith('global')) return undefined
  return service.deploy?.replicas ?? service.scale ?? 1
}

/** Keys of the named volumes a service mounts. */
export function volumeKeys(service: ComposeService): readonly string[] {
  const keys = (service.volumes ?? []).flatMap((mount) =>
    mount.type === 'volume' && mount.source !== undefined && mount.source !== '' ? [mount.source] : [],
  )
  return [...new Set(keys)]
}

/**
 * Name of the lab volume for a key of an app's Compose file: `<app>-<key>`, in the letters a volume may have; of an
 * external one its own.
 */
export function volumeName(app: string, key: string, volume?: ComposeVolume | null): string {
  if (volume?.external === true) return volume.name ?? key
  return `${app}-${key}`.toLowerCase().replaceAll(/[^a-z0-9-]+/g, '-')
}

/** Bytes that a volume may hold by its `x-lab: { limit: 2GiB }`; undefined without one, or when that is no size. */
export function volumeLimit(volume: ComposeVolume | null | undefined): number | undefined {
  const limit = volume?.['x-lab']?.limit
  return limit === undefined ? undefined : parseSize(String(limit))
}

/** True when a service joins the lab's overlay: it lists no networks, or `default` among them, or one that is it. */
export function joinsLab(config: ComposeConfig, service: ComposeService, overlay: string): boolean {
  const keys = Object.keys(service.networks ?? { default: null })
  return keys.some((key) => key === 'default' || isOverlay(config.networks?.[key], overlay))
}

/** True for a Compose network that is the lab's overlay under another key. */
export function isOverlay(network: ComposeNetwork | null | undefined, overlay: string): boolean {
  return network?.external === true && network.name === overlay
}
