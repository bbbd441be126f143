import { createHash } from 'node:crypto'
import { callEngine, startContainer } from '../facts/engine-api.ts'
import { engineState } from '../facts/engine.ts'
import { defineStep } from '../model/define-step.ts'
import { LabError } from '../model/errors.ts'
import { checkName, LABELS, PROBE_CONTAINER } from '../model/names.ts'
import type { Change, Step } from '../model/step.ts'

/** A container on one node, outside the swarm's services; or none. */
export type DockerContainerOptions = DockerContainer | AbsentContainer

/** A container as it has to be. */
export interface DockerContainer {
  /** Its name, and its host name inside. A container of that name that lab did not make is replaced. */
  readonly name: string
  /** Tag of an image that the node has. */
  readonly image: string
  /** Overrides the image's own. */
  readonly command?: readonly string[]
  /** An overlay needs no address; on a bridge it may have a fixed one. None at all: `[]`. @default the engine's bridge */
  readonly networks?: readonly { readonly name: string; readonly address?: string }[]
  /** Directories and files of the node (absolute paths that exist) or volumes (names); read-only unless `writable`. */
  readonly mounts?: readonly { readonly source: string; readonly target: string; readonly writable?: boolean }[]
  /** Ports of the node that lead to it. TCP unless `protocol` says udp; on all addresses unless `address` says which. */
  readonly ports?: readonly PublishedPort[]
  /** Its environment. Whoever can ask the engine can read it: a secret belongs into a file that is mounted. */
  readonly env?: Readonly<Record<string, string>>
  /** Signal that ends it. The default is the image's own, else TERM. */
  readonly stopSignal?: string
  /** Memory it may use, in bytes. @default no limit */
  readonly memoryBytes?: number
  readonly absent?: false
  /** Steps that bring its image or its networks: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/** No container of this name. */
export interface AbsentContainer {
  /** Its name. */
  readonly name: string
  /** Removed, also while it runs, with its anonymous volumes. */
  readonly absent: true
  /** Steps it depends on: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/** A port of the node that leads into a container. */
export interface PublishedPort {
  readonly node: number
  readonly container: number
  readonly protocol?: 'tcp' | 'udp'
  readonly address?: string
}

/**
 * A container that runs, restarts with its engine, and is made anew only when its own definition or its image changed.
 * @example dockerContainer({ name: 'sleeper', image: 'debian:trixie-slim', command: ['sleep', 'infinity'] })
 * @example dockerContainer({ name: 'former', absent: true })
 * @throws FACT_UNAVAILABLE: the engine of the node does not run.
 * @throws NO_IMAGE: the node does not have the image.
 * @throws STEP_FAILED: the engine refuses: a port is taken, a directory is not there; or the swarm gives it no place on an
 * overlay for two minutes.
 */
export const dockerContainer = defineStep({
  kind: 'docker-container',
  title: (wanted: DockerContainerOptions) =>
    wanted.absent === true ? `remove container ${wanted.name}` : `container ${wanted.name} from ${wanted.image}`,
  validate: ({ name }) => void checkName('container', name),
  facts: () => ({ engine: engineState }),
  diff(wanted, { engine }) {
    const found = engine.containers.get(wanted.name)
    if (wanted.absent === true) {
      return found === undefined ? [] : [{ path: 'container', from: wanted.name, to: undefined }]
    }
    if (found === undefined) return [{ path: 'container', from: undefined, to: wanted.name }]
    const changes: Change[] = []
    const definition = digestOf(wanted)
    if (found.definition !== definition) changes.push({ path: 'definition', from: found.definition, to: definition })
    const image = engine.images.get(wanted.image)
    if (image !== undefined && image !== found.imageId) {
      changes.push({ path: 'image', from: shortId(found.imageId), to: shortId(image) })
    }
    for (const { name } of wanted.networks ?? []) {
      if (!found.networks.includes(name)) changes.push({ path: 'network', from: found.networks.join(', '), to: name })
    }
    if (!found.running) changes.push({ path: 'running', from: 'no', to: 'yes' })
    return changes
  },
  apply(wanted, _changes, { engine }) {
    // Also one that merely stopped is made anew: its place on an overlay may be of a swarm that is no more.
    const remove = callEngine('DELETE', `/containers/${wanted.name}?force=1&v=1`)
    if (wanted.absent === true) return [remove]
    if (!engine.images.has(wanted.image)) {
      throw new LabError('NO_IMAGE', `the node has no image ${wanted.image}`, {
        hint: 'bring it there with a dockerImage step before',
      })
    }
    const commands = [
      callEngine('POST', `/containers/create?name=${wanted.name}`, {
        ...bodyOf(wanted),
        Labels: { [LABELS.specDigest]: digestOf(wanted) },
      }),
      ...(wanted.networks ?? []).slice(1).map(({ name, address }) =>
        callEngine('POST', `/networks/${name}/connect`, {
          Container: wanted.name,
          EndpointConfig: endpoint(address),
        }),
      ),
      // The first that a node has on the overlay. For no other one an engine is restarted.
      startContainer(wanted.name, wanted.name === PROBE_CONTAINER ? 'restart' : undefined),
    ]
    return engine.containers.has(wanted.name) ? [remove, ...commands] : commands
  },
  after: ({ after }) => after ?? [],
})

function bodyOf(wanted: DockerContainer): object {
  const first = wanted.networks === undefined ? { name: 'bridge' as string, address: undefined } : wanted.networks[0]
  return {
    Image: wanted.image,
    Hostname: wanted.name,
    ...(wanted.command === undefined ? {} : { Cmd: wanted.command }),
    ...(wanted.env === undefined ? {} : { Env: Object.entries(wanted.env).map(([name, value]) => `${name}=${value}`) }),
    ...(wanted.ports === undefined
      ? {}
      : { ExposedPorts: Object.fromEntries(wanted.ports.map((port) => [portKey(port), {}])) }),
    ...(wanted.stopSignal === undefined ? {} : { StopSignal: wanted.stopSignal }),
    HostConfig: {
      NetworkMode: first?.name ?? 'none',
      RestartPolicy: { Name: 'always' },
      Mounts: (wanted.mounts ?? []).map(({ source, target, writable }) => ({
        Type: source.startsWith('/') ? 'bind' : 'volume',
        Source: source,
        Target: target,
        ReadOnly: writable !== true,
      })),
      ...(wanted.ports === undefined ? {} : { PortBindings: bindings(wanted.ports) }),
      ...(wanted.memoryBytes === undefined ? {} : { Memory: wanted.memoryBytes }),
    },
    ...(first?.address === undefined
      ? {}
      : { NetworkingConfig: { EndpointsConfig: { [first.name]: endpoint(first.address) } } }),
  }
}

function portKey({ container, protocol }: PublishedPort): string {
  return `${String(container)}/${protocol ?? 'tcp'}`
}

/** One port of a container may be reached by several of the node. */
function bindings(ports: readonly PublishedPort[]): object {
  const found: Record<string, object[]> = {}
  for (const port of ports) {
    const list = (found[portKey(port)] ??= [])
    list.push({ HostIp: port.address ?? '', HostPort: String(port.node) })
  }
  return found
}

function endpoint(address: string | undefined): object {
  return address === undefined ? {} : { IPAMConfig: { IPv4Address: address } }
}

function digestOf(wanted: DockerContainer): string {
  return createHash('sha256')
    .update(JSON.stringify([bodyOf(wanted), wanted.networks ?? []]))
    .digest('hex')
    .slice(0, 16)
}

function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12)
}
