import { scryptSync } from 'node:crypto'
import { checkVersioned, replaceVersions, swarmData, versionChanges } from '../facts/swarm-data.ts'
import { defineStep } from '../model/define-step.ts'
import type { Step } from '../model/step.ts'

/** A secret of the swarm, made on a manager; or none. */
export type SwarmSecretOptions = SwarmSecret | AbsentSwarmSecret

/** A secret with a content. */
export interface SwarmSecret {
  /** What it is called but for its version, at most 51 characters of a-z, 0-9 and -. */
  readonly name: string
  /** The secret itself, up to 500 KiB; it is shown nowhere. */
  readonly content: string | Uint8Array
  readonly absent?: false
  /** Steps that make the node a manager: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/** No version of a secret. */
export interface AbsentSwarmSecret {
  /** What it is called but for its version. */
  readonly name: string
  /** All versions are removed, which is refused while a service has one. */
  readonly absent: true
  /** Steps it depends on: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

const known = new Map<string, string>()

/**
 * Name in the swarm of the version with this content, for services that are to have it: `<name>-<12 digits>`. The digits
 * are made in a way that is slow on purpose: who sees them cannot try out short secrets in bulk.
 */
export function secretName({ name, content }: Pick<SwarmSecret, 'name' | 'content'>): string {
  const key = `${name}\0${Buffer.from(content).toString('base64')}`
  const digits = known.get(key) ?? scryptSync(content, `lab secret ${name}`, 6).toString('hex')
  known.set(key, digits)
  return `${name}-${digits}`
}

/**
 * A secret of the swarm. Neither its content nor its name can be changed, so its name is pinned by the content
 * ({@link secretName} tells it): another content is another version. When one is made, earlier ones that no service has
 * are removed; those in use stay until the next. The content travels on standard input only.
 * @example swarmSecret({ name: 'web-password', content: 'correct horse battery staple' })
 * @example swarmSecret({ name: 'former', absent: true })
 * @throws USAGE: the content is empty or larger than 500 KiB.
 * @throws FACT_UNAVAILABLE: the engine does not run, or the node is not a manager.
 * @throws STEP_FAILED: the engine refuses: a secret that is to go is in use.
 */
export const swarmSecret = defineStep({
  kind: 'swarm-secret',
  title: (wanted: SwarmSecretOptions) => `${wanted.absent === true ? 'remove swarm' : 'swarm'} secret ${wanted.name}`,
  validate: (wanted) => {
    checkVersioned('secrets', { name: wanted.name, ...(wanted.absent === true ? {} : { content: wanted.content }) })
  },
  facts: ({ name }) => ({ versions: swarmData('secrets', `${name}-`) }),
  diff: (wanted, { versions }) =>
    versionChanges('secrets', versions, wanted.name, wanted.absent === true ? undefined : secretName(wanted)),
  apply: (wanted, changes) =>
    replaceVersions(
      'secrets',
      changes,
      wanted.absent === true ? undefined : { ...wanted, version: secretName(wanted) },
    ),
  after: ({ after }) => after ?? [],
})
