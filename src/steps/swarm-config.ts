import { createHash } from 'node:crypto'
import { callEngine } from '../facts/engine-api.ts'
import { swarmData, VERSION_LABELS } from '../facts/swarm-data.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { checkName } from '../model/names.ts'
import type { Change, Step } from '../model/step.ts'

/** A config of the swarm, made on a manager; or none. */
export type SwarmConfigOptions = SwarmConfig | AbsentSwarmConfig

/** A config with a content. */
export interface SwarmConfig {
  /** What it is called but for its version, at most 51 characters of a-z, 0-9 and -. */
  readonly name: string
  /** What services find in it, up to 1000 KiB. */
  readonly content: string | Uint8Array
  readonly absent?: false
  /** Steps that make the node a manager: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/** No version of a config. */
export interface AbsentSwarmConfig {
  /** What it is called but for its version. */
  readonly name: string
  /** All versions are removed, which is refused while a service has one. */
  readonly absent: true
  /** Steps it depends on: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/** What a swarm takes. */
const LIMIT_BYTES = 1000 * 1024

/**
 * Name in the swarm of the version with this content, for services that are to have it: `<name>-<12 digits>`.
 */
export function configName({ name, content }: Pick<SwarmConfig, 'name' | 'content'>): string {
  return `${name}-${createHash('sha256').update(content).digest('hex').slice(0, 12)}`
}

/**
 * A config of the swarm. Neither its content nor its name can be changed, so its name is pinned by the content
 * ({@link configName} tells it): another content is another version. When one is made, earlier ones that no service has
 * are removed; those in use stay until the next.
 * @example swarmConfig({ name: 'web-settings', content: 'workers 4\n' })
 * @example swarmConfig({ name: 'former', absent: true })
 * @throws USAGE: the content is empty or larger than 1000 KiB.
 * @throws FACT_UNAVAILABLE: the engine does not run, or the node is not a manager.
 * @throws STEP_FAILED: the engine refuses: a config that is to go is in use.
 */
export const swarmConfig = defineStep({
  kind: 'swarm-config',
  title: (wanted: SwarmConfigOptions) => `${wanted.absent === true ? 'remove swarm' : 'swarm'} config ${wanted.name}`,
  validate(wanted) {
    if (checkName('config', wanted.name).length > 51) throw new UsageError(`"${wanted.name}" is longer than 51`)
    if (wanted.absent === true) return
    const bytes = Buffer.byteLength(wanted.content)
    if (bytes === 0 || bytes > LIMIT_BYTES) throw new UsageError(`${wanted.name}: a config has 1 byte to 1000 KiB`)
  },
  facts: ({ name }) => ({ versions: swarmData('configs', `${name}-`) }),
  diff(wanted, { versions }) {
    const own = [...versions.values()].filter(({ labels }) => labels[VERSION_LABELS.configs] === wanted.name)
    const gone = (name: string): Change => ({ path: `version ${name}`, from: 'there', to: undefined })
    if (wanted.absent === true) return own.map(({ name }) => gone(name))
    const current = configName(wanted)
    if (versions.has(current)) return []
    const unused = own.filter(({ used }) => !used).map(({ name }) => gone(name))
    return [{ path: `version ${current}`, from: undefined, to: 'there' }, ...unused]
  },
  apply: (wanted, changes) => [
    ...changes.flatMap(({ path, to }) => {
      const name = path.replace(/^version /, '')
      return to === undefined ? [callEngine('DELETE', `/configs/${name}`)] : []
    }),
    // Last: with it there, nothing differs, and what was to be removed would stay.
    ...(wanted.absent === true
      ? []
      : [
          callEngine('POST', '/configs/create', {
            Name: configName(wanted),
            Labels: { [VERSION_LABELS.configs]: wanted.name },
            Data: Buffer.from(wanted.content).toString('base64'),
          }),
        ]),
  ],
  after: ({ after }) => after ?? [],
})
