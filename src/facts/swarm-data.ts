import type { Command } from '../model/command.ts'
import { UsageError } from '../model/errors.ts'
import { checkName } from '../model/names.ts'
import { FactUnavailable, type Change, type FactOutput, type FactQuery } from '../model/step.ts'
import { askEngine, callEngine, engineAnswers, refusal } from './engine-api.ts'

/** The two kinds of content a swarm keeps for its services. */
export type SwarmDataKind = 'configs' | 'secrets'

/** One config or secret, without what is in it. */
export interface SwarmDatum {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Whether a service has it. */
  readonly used: boolean
}

/** Configs or secrets of the swarm whose names start in a way, by name; managers can tell. */
export function swarmData(kind: SwarmDataKind, prefix: string): FactQuery<ReadonlyMap<string, SwarmDatum>> {
  const filter = encodeURIComponent(JSON.stringify({ name: [prefix] }))
  return {
    key: `swarm ${kind} ${prefix}`,
    script: askEngine(`/${kind}?filters=${filter}`, '/services'),
    parse: (output) => readData(output, kind),
  }
}

/** Label of a swarm's configs and secrets that says which one of lab's they are a version of. */
const VERSION_LABELS = { configs: 'lab.config', secrets: 'lab.secret' } as const
/** Room for a version's digits in what a swarm takes as a name. */
const NAME_LENGTH = 51
/** What a swarm takes, in KiB. */
const LIMITS = { configs: 1000, secrets: 500 } as const

/** A config or secret by the name that all its versions share. */
interface Versioned {
  readonly name: string
  readonly content: string | Uint8Array
}

/** Throws `UsageError` for a name or content that a swarm does not take; no content: it is to go. */
export function checkVersioned(kind: SwarmDataKind, { name, content }: Partial<Versioned> & { name: string }): void {
  const one = kind.slice(0, -1)
  if (checkName(one, name).length > NAME_LENGTH) throw new UsageError(`"${name}" is longer than ${String(NAME_LENGTH)}`)
  if (content === undefined) return
  const bytes = Buffer.byteLength(content)
  if (bytes > 0 && bytes <= LIMITS[kind] * 1024) return
  throw new UsageError(`${name}: a ${one} has 1 byte to ${String(LIMITS[kind])} KiB`)
}

/**
 * Pure: versions to make and to remove, so that there is `current` and none that no service has; without `current`, none
 * at all.
 */
export function versionChanges(
  kind: SwarmDataKind,
  versions: ReadonlyMap<string, SwarmDatum>,
  name: string,
  current: string | undefined,
): readonly Change[] {
  if (current !== undefined && versions.has(current)) return []
  const own = [...versions.values()].filter(({ labels }) => labels[VERSION_LABELS[kind]] === name)
  const gone = own
    .filter(({ used }) => current === undefined || !used)
    .map((version): Change => ({ path: `version ${version.name}`, from: 'there', to: undefined }))
  return current === undefined ? gone : [{ path: `version ${current}`, from: undefined, to: 'there' }, ...gone]
}

/** The commands for {@link versionChanges}. `made`: the version to make, under its full name. */
export function replaceVersions(
  kind: SwarmDataKind,
  changes: readonly Change[],
  made: (Versioned & { readonly version: string }) | undefined,
): readonly Command[] {
  const removals = changes
    .filter(({ to }) => to === undefined)
    .map(({ path }) => callEngine('DELETE', `/${kind}/${path.replace(/^version /, '')}`))
  if (made === undefined) return removals
  const { name, version, content } = made
  const data = Buffer.from(content).toString('base64')
  const body = { Name: version, Labels: { [VERSION_LABELS[kind]]: name }, Data: data }
  // Last: with it there, nothing differs, and what was to be removed would stay.
  return [
    ...removals,
    {
      ...callEngine('POST', `/${kind}/create`, body),
      ...(kind === 'secrets' ? { secrets: hidden(data, content) } : {}),
    },
  ]
}

function hidden(data: string, content: string | Uint8Array): readonly string[] {
  return typeof content === 'string' ? [data, content] : [data]
}

function readData(output: FactOutput, kind: SwarmDataKind): ReadonlyMap<string, SwarmDatum> {
  const [data, services] = engineAnswers(output)
  if (!Array.isArray(data) || !Array.isArray(services)) {
    throw new FactUnavailable(refusal(data) ?? refusal(services) ?? `the engine lists no ${kind}`)
  }
  const used = new Set((services as ServiceObject[]).flatMap((service) => idsUsedBy(service, kind)))
  return new Map(
    (data as DataObject[]).map(({ ID, Spec }) => [
      Spec.Name,
      { name: Spec.Name, labels: Spec.Labels ?? {}, used: used.has(ID) },
    ]),
  )
}

function idsUsedBy({ Spec }: ServiceObject, kind: SwarmDataKind): readonly string[] {
  const container = Spec.TaskTemplate?.ContainerSpec
  if (kind === 'secrets') return (container?.Secrets ?? []).map(({ SecretID }) => SecretID)
  return (container?.Configs ?? []).map(({ ConfigID }) => ConfigID)
}

interface DataObject {
  readonly ID: string
  readonly Spec: { readonly Name: string; readonly Labels?: Readonly<Record<string, string>> | null }
}

interface ServiceObject {
  readonly Spec: {
    readonly TaskTemplate?: {
      readonly ContainerSpec?: {
        readonly Configs?: readonly { readonly ConfigID: string }[] | null
        readonly Secrets?: readonly { readonly SecretID: string }[] | null
      }
    }
  }
}
