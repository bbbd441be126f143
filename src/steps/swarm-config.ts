import { createHash } from 'node:crypto'
import { checkVersioned, replaceVersions, swarmData, versionChanges } from '../facts/swarm-data.ts'
import { defineStep } from '../model/define-step.ts'
import type { Step } from '../model/step.ts'

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
  validate: (wanted) => {
    checkVersioned('configs', { name: wanted.name, ...(wanted.absent === true ? {} : { content: wanted.content }) })
  },
  facts: ({ name }) => ({ versions: swarmData('configs', `${name}-`) }),
  diff: (wanted, { versions }) =>
    versionChanges('configs', versions, wanted.name, wanted.absent === true ? undefined : configName(wanted)),
  apply: (wanted, changes) =>
    replaceVersions(
      'configs',
      changes,
      wanted.absent === true ? undefined : { ...wanted, version: configName(wanted) },
    ),
  after: ({ after }) => after ?? [],
})
