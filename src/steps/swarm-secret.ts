import { scryptSync } from 'node:crypto'
import { callEngine } from '../facts/engine-api.ts'
import { swarmData, VERSION_LABELS } from '../facts/swarm-data.ts'
import type { Command } from '../model/command.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { checkName } from '../model/names.ts'
import type { Change, Step } from '../model/step.ts'

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

/** What a swarm takes. */
const LIMIT_BYTES = 500 * 1024

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
  validate(wanted) {
    if (checkName('secret', wanted.name).length > 51) throw new UsageError(`"${wanted.name}" is longer than 51`)
    if (wanted.absent === true) return
    const bytes = Buffer.byteLength(wanted.content)
    if (bytes === 0 || bytes > LIMIT_BYTES) throw new UsageError(`${wanted.name}: a secret has 1 byte to 500 KiB`)
  },
  facts: ({ name }) => ({ versions: swarmData('secrets', `${name}-`) }),
  diff(wanted, { versions }) {
    const own = [...versions.values()].filter(({ labels }) => labels[VERSION_LABELS.secrets] === wanted.name)
    const gone = (name: string): Change => ({ path: `version ${name}`, from: 'there', to: undefined })
    if (wanted.absent === true) return own.map(({ name }) => gone(name))
    const current = secretName(wanted)
    if (versions.has(current)) return []
    const unused = own.filter(({ used }) => !used).map(({ name }) => gone(name))
    return [{ path: `version ${current}`, from: undefined, to: 'there' }, ...unused]
  },
  apply: (wanted, changes) => [
    ...changes.flatMap(({ path, to }) => {
      const name = path.replace(/^version /, '')
      return to === undefined ? [callEngine('DELETE', `/secrets/${name}`)] : []
    }),
    // Last: with it there, nothing differs, and what was to be removed would stay.
    ...(wanted.absent === true ? [] : [create(wanted)]),
  ],
  after: ({ after }) => after ?? [],
})

function create(wanted: SwarmSecret): Command {
  const data = Buffer.from(wanted.content).toString('base64')
  const body = { Name: secretName(wanted), Labels: { [VERSION_LABELS.secrets]: wanted.name }, Data: data }
  const text = typeof wanted.content === 'string' ? [wanted.content] : []
  return { ...callEngine('POST', '/secrets/create', body), secrets: [data, ...text] }
}
