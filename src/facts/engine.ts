import { LABELS } from '../model/names.ts'
import { FactUnavailable, type FactQuery } from '../model/step.ts'
import { askEngineAndInfo, engineAnswers, refusal } from './engine-api.ts'

/** A node's own view of its place in a swarm. */
export interface SwarmMembership {
  readonly state: 'inactive' | 'pending' | 'active' | 'error' | 'locked'
  readonly role: 'manager' | 'worker' | undefined
  readonly error: string
  /** Settings of the whole swarm; managers know them. */
  readonly settings:
    { readonly heartbeatMs: number; readonly taskHistory: number; readonly certificateDays?: number } | undefined
}

/** A container of the engine. */
export interface EngineContainer {
  readonly name: string
  readonly running: boolean
  readonly imageId: string
  /** Digest of the definition it was created from; empty when lab did not make it. */
  readonly definition: string
  /** Names of the networks it is attached to: a node that leaves a swarm takes its containers off the overlays. */
  readonly networks: readonly string[]
}

/** A network as this node sees it. */
export interface EngineNetwork {
  readonly name: string
  readonly driver: string
  readonly attachable: boolean
  /** Nothing outside can be reached from it. */
  readonly internal: boolean
  readonly subnets: readonly string[]
  readonly options: Readonly<Record<string, string>>
}

/** What the engine of a node holds, as far as the site decides it. */
export interface EngineState {
  readonly swarm: SwarmMembership
  /** By name. */
  readonly containers: ReadonlyMap<string, EngineContainer>
  /** Image ids by tag. */
  readonly images: ReadonlyMap<string, string>
  /** `name@sha256:...` of each image that came from a registry, by image id. */
  readonly repositoryDigests: ReadonlyMap<string, readonly string[]>
  /** By name. */
  readonly networks: ReadonlyMap<string, EngineNetwork>
}

/** One question for all that steps want to know of an engine, so that a converged node asks it once. */
export const engineState: FactQuery<EngineState> = {
  key: 'engine',
  // All containers, whoever made them: one that has a wanted name is in the way and has to be seen.
  script: askEngineAndInfo('/containers/json?all=1', '/images/json', '/networks'),
  parse: (output) => {
    const answers = engineAnswers(output)
    const refused = answers.map(refusal).find((message) => message !== undefined)
    if (refused !== undefined || answers.length !== 4) throw new FactUnavailable(refused ?? 'the engine broke off')
    const [containers, images, networks, info] = answers as [Container[], Image[], Network[], Info]
    return {
      swarm: readMembership(info.Swarm),
      containers: new Map(containers.map(readContainer).map((container) => [container.name, container])),
      images: new Map(images.flatMap((image) => (image.RepoTags ?? []).map((tag) => [tag, image.Id] as const))),
      repositoryDigests: new Map(images.map((image) => [image.Id, image.RepoDigests ?? []] as const)),
      networks: new Map(networks.map(readNetwork).map((network) => [network.name, network])),
    }
  },
}

const DAY_NS = 86_400e9

interface Info {
  readonly Swarm: {
    readonly LocalNodeState: SwarmMembership['state']
    readonly ControlAvailable: boolean
    readonly Error: string
    readonly Cluster?: {
      readonly Spec: {
        readonly Dispatcher?: { readonly HeartbeatPeriod?: number }
        readonly Orchestration?: { readonly TaskHistoryRetentionLimit?: number }
        readonly CAConfig?: { readonly NodeCertExpiry?: number }
      }
    }
  }
}

interface Container {
  readonly Names: readonly string[]
  readonly State: string
  readonly ImageID: string
  readonly Labels: Readonly<Record<string, string>>
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, unknown>> | null }
}

interface Image {
  readonly Id: string
  readonly RepoTags: readonly string[] | null
  readonly RepoDigests: readonly string[] | null
}

interface Network {
  readonly Name: string
  readonly Driver: string
  readonly Attachable: boolean
  readonly Internal?: boolean
  readonly IPAM: { readonly Config: readonly { readonly Subnet?: string }[] | null }
  readonly Options: Readonly<Record<string, string>> | null
}

function readMembership(swarm: Info['Swarm']): SwarmMembership {
  const spec = swarm.Cluster?.Spec
  return {
    state: swarm.LocalNodeState,
    role: swarm.LocalNodeState === 'inactive' ? undefined : swarm.ControlAvailable ? 'manager' : 'worker',
    error: swarm.Error,
    settings:
      spec === undefined
        ? undefined
        : {
            heartbeatMs: (spec.Dispatcher?.HeartbeatPeriod ?? 0) / 1e6,
            taskHistory: spec.Orchestration?.TaskHistoryRetentionLimit ?? 0,
            certificateDays: (spec.CAConfig?.NodeCertExpiry ?? 0) / DAY_NS,
          },
  }
}

function readContainer(container: Container): EngineContainer {
  return {
    name: (container.Names[0] ?? '').replace(/^\//, ''),
    running: container.State === 'running',
    imageId: container.ImageID,
    definition: container.Labels[LABELS.specDigest] ?? '',
    networks: Object.keys(container.NetworkSettings.Networks ?? {}),
  }
}

function readNetwork(network: Network): EngineNetwork {
  return {
    name: network.Name,
    driver: network.Driver,
    attachable: network.Attachable,
    internal: network.Internal === true,
    subnets: (network.IPAM.Config ?? []).flatMap(({ Subnet }) => (Subnet === undefined ? [] : [Subnet])),
    options: network.Options ?? {},
  }
}
