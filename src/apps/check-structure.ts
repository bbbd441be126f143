import { nearest } from '../model/names.ts'
import type { Finding, Path } from './compose-file.ts'
import {
  ATTACHMENT_KEYS,
  BUILD_KEYS,
  CONFIG_KEYS,
  DEPLOY_KEYS,
  EXTERNAL_VOLUME_KEYS,
  HEALTHCHECK_KEYS,
  LIMIT_KEYS,
  NETWORK_KEYS,
  RESERVATION_KEYS,
  SECRET_KEYS,
  SERVICE_KEYS,
  TOP_KEYS,
  HOOK_KEYS,
  KEEP_KEYS,
  REPLICATE_KEYS,
  VOLUME_EXTENSION_KEYS,
  VOLUME_KEYS,
  type Treatment,
} from './compose-keys.ts'

/** What a look at the keys of a Compose file found. */
export interface StructureReport {
  /** What is refused: all of it. */
  readonly problems: readonly Finding[]
  /** What makes no difference on a cluster and is said once. */
  readonly remarks: readonly Finding[]
  /** False when the engine's tools would not get past the file, so that asking them is of no use. */
  readonly readable: boolean
}

type Keys = Readonly<Record<string, Treatment>>

/** Pure: checks the keys of a Compose file as written, before variables, `extends` and `include` are resolved. */
export function checkStructure(file: unknown): StructureReport {
  const walk = new Walk()
  const top = walk.keys(file, [], 'the file', TOP_KEYS)
  for (const [name, service] of entries(top?.['services'])) {
    // A service of a profile nobody asked for does not run, as with `docker compose up`.
    if (isRecord(service) && entries(service['profiles']).length > 0) continue
    walk.service(service, name)
  }
  if (top !== undefined && !('services' in top) && !('include' in top)) {
    walk.problem([], 'key', 'there are no services in the file', false)
  }
  for (const [name, network] of entries(top?.['networks'])) {
    walk.keys(network, ['networks', name], `network ${name}`, NETWORK_KEYS)
  }
  for (const [name, volume] of entries(top?.['volumes'])) {
    const external = isRecord(volume) && volume['external'] === true
    const path: Path = ['volumes', name]
    const keys = walk.keys(volume, path, `volume ${name}`, external ? EXTERNAL_VOLUME_KEYS : VOLUME_KEYS)
    walk.volumeExtension(keys?.['x-lab'], [...path, 'x-lab'])
  }
  for (const [name, config] of entries(top?.['configs'])) {
    walk.keys(config, ['configs', name], `config ${name}`, CONFIG_KEYS)
  }
  for (const [name, secret] of entries(top?.['secrets'])) {
    walk.keys(secret, ['secrets', name], `secret ${name}`, SECRET_KEYS)
  }
  return walk
}

/** Pure: the same for services as `docker compose config` resolved them, where `extends` and `include` have been. */
export function checkResolvedServices(services: Readonly<Record<string, unknown>>): StructureReport {
  const walk = new Walk()
  for (const [name, service] of Object.entries(services)) walk.service(service, name)
  return walk
}

class Walk implements StructureReport {
  readonly problems: Finding[] = []
  readonly remarks: Finding[] = []
  readable = true

  problem(path: Path, part: 'key' | 'value', message: string, readable = true): void {
    this.problems.push({ path, part, message })
    this.readable &&= readable
  }

  service(service: unknown, name: string): void {
    const path: Path = ['services', name]
    const keys = this.keys(service, path, `service ${name}`, SERVICE_KEYS)
    if (keys === undefined) return
    if (typeof keys['build'] !== 'string') this.keys(keys['build'], [...path, 'build'], 'build', BUILD_KEYS)
    this.keys(keys['healthcheck'], [...path, 'healthcheck'], 'healthcheck', HEALTHCHECK_KEYS)
    const networks = keys['networks']
    if (!Array.isArray(networks)) {
      for (const [network, attachment] of entries(networks)) {
        this.keys(attachment, [...path, 'networks', network], `network ${network}`, ATTACHMENT_KEYS)
      }
    }
    const deploy = this.keys(keys['deploy'], [...path, 'deploy'], 'deploy', DEPLOY_KEYS)
    const resources = deploy?.['resources']
    if (!isRecord(resources)) return
    const at: Path = [...path, 'deploy', 'resources']
    this.keys(resources['limits'], [...at, 'limits'], 'limits', LIMIT_KEYS)
    this.keys(resources['reservations'], [...at, 'reservations'], 'reservations', RESERVATION_KEYS)
  }

  volumeExtension(value: unknown, path: Path): void {
    const keys = this.keys(value, path, 'x-lab', VOLUME_EXTENSION_KEYS)
    const replicate = keys?.['replicate']
    if (Array.isArray(replicate)) {
      for (const [index, each] of replicate.entries()) {
        this.keys(each, [...path, 'replicate', index], 'replicate', REPLICATE_KEYS)
      }
    } else this.keys(replicate, [...path, 'replicate'], 'replicate', REPLICATE_KEYS)
    this.keys(keys?.['keep'], [...path, 'keep'], 'keep', KEEP_KEYS)
    this.keys(keys?.['hooks'], [...path, 'hooks'], 'hooks', HOOK_KEYS)
  }

  /** Judges the keys of one map; returns it when it is one. */
  keys(value: unknown, path: Path, subject: string, known: Keys): Readonly<Record<string, unknown>> | undefined {
    if (value === undefined || value === null) return undefined
    if (!isRecord(value)) {
      this.problem(path, 'value', `${subject} must be a set of keys and values`, false)
      return undefined
    }
    for (const [key, item] of Object.entries(value)) {
      if (key.startsWith('x-')) continue
      const treatment = Object.hasOwn(known, key) ? known[key] : undefined
      if (treatment === undefined) this.problem([...path, key], 'key', unknownKey(subject, key, known), false)
      else if (treatment.kind !== 'honoured' && asksForSomething(item)) {
        const message = `${key}: ${treatment.why}`
        if (treatment.kind === 'refused') this.problem([...path, key], 'key', message)
        else this.remarks.push({ path: [...path, key], part: 'key', message: `${key} ${treatment.why}` })
      }
    }
    return value
  }
}

function unknownKey(subject: string, key: string, known: Keys): string {
  const near = nearest(key, Object.keys(known))
  return `unknown key "${key}" in ${subject}${near === undefined ? '' : `; did you mean "${near}"?`}`
}

/** False for the ways to write "not this": `privileged: false`, `links: []`. */
function asksForSomething(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return false
  if (Array.isArray(value)) return value.length > 0
  return typeof value !== 'object' || Object.keys(value).length > 0
}

function entries(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
