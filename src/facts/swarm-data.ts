import { FactUnavailable, type FactOutput, type FactQuery } from '../model/step.ts'
import { askEngine, engineAnswers, refusal } from './engine-api.ts'

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
export const VERSION_LABELS = { configs: 'lab.config', secrets: 'lab.secret' } as const

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
