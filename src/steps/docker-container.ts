import { createHash } from 'node:crypto'
import { callEngine } from '../facts/engine-api.ts'
import { engineState } from '../facts/engine.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { checkName, LABELS } from '../model/names.ts'
import type { Change } from '../model/step.ts'

/** A container of the lab's own on one node, outside the swarm's services. */
export interface DockerContainerOptions {
  readonly name: string
  /** Tag of an image that the node has. */
  readonly image: string
  /** Overrides the image's own. */
  readonly command?: readonly string[]
  /** An overlay needs no address; on a bridge it may have a fixed one. */
  readonly networks: readonly { readonly name: string; readonly address?: string }[]
  /** Directories of the node, read-only in the container. */
  readonly mounts?: readonly { readonly source: string; readonly target: string }[]
  /** Signal that ends it. The default is the image's own, else TERM. */
  readonly stopSignal?: string
  readonly memoryBytes?: number
}

/**
 * A container that runs, restarts with its engine, and is made anew only when its own definition or its image changed.
 * @example dockerContainer({ name: 'lab-probe', image: 'lab-probe:1', networks: [{ name: 'lab' }] })
 */
export const dockerContainer = defineStep({
  kind: 'docker-container',
  title: (wanted: DockerContainerOptions) => `container ${wanted.name} from ${wanted.image}`,
  validate: ({ name }) => {
    checkName('container', name)
    if (!name.startsWith('lab-'))
      throw new UsageError(`"${name}": the name of a container of the lab's own starts with lab-`)
  },
  facts: () => ({ engine: engineState }),
  diff(wanted, { engine }) {
    const found = engine.containers.get(wanted.name)
    if (found === undefined) return [{ path: 'container', from: undefined, to: wanted.name }]
    const changes: Change[] = []
    const definition = digestOf(wanted)
    if (found.definition !== definition) changes.push({ path: 'definition', from: found.definition, to: definition })
    const image = engine.images.get(wanted.image)
    if (image !== undefined && image !== found.imageId) {
      changes.push({ path: 'image', from: shortId(found.imageId), to: shortId(image) })
    }
    for (const { name } of wanted.networks) {
      if (!found.networks.includes(name)) changes.push({ path: 'network', from: found.networks.join(', '), to: name })
    }
    if (!found.running) changes.push({ path: 'running', from: 'no', to: 'yes' })
    return changes
  },
  apply(wanted, _changes, { engine }) {
    if (!engine.images.has(wanted.image)) throw new UsageError(`the node has no image ${wanted.image}`)
    const commands = [
      callEngine('POST', `/containers/create?name=${wanted.name}`, {
        ...bodyOf(wanted),
        Labels: { [LABELS.specDigest]: digestOf(wanted) },
      }),
      ...wanted.networks.slice(1).map(({ name, address }) =>
        callEngine('POST', `/networks/${name}/connect`, {
          Container: wanted.name,
          EndpointConfig: endpoint(address),
        }),
      ),
      callEngine('POST', `/containers/${wanted.name}/start`),
    ]
    // Also one that merely stopped is made anew: its place on an overlay may be of a swarm that is no more.
    const remove = callEngine('DELETE', `/containers/${wanted.name}?force=1&v=1`)
    return engine.containers.has(wanted.name) ? [remove, ...commands] : commands
  },
})

function bodyOf(wanted: DockerContainerOptions): object {
  const [first] = wanted.networks
  return {
    Image: wanted.image,
    Hostname: wanted.name,
    ...(wanted.command === undefined ? {} : { Cmd: wanted.command }),
    ...(wanted.stopSignal === undefined ? {} : { StopSignal: wanted.stopSignal }),
    HostConfig: {
      NetworkMode: first?.name ?? 'none',
      RestartPolicy: { Name: 'always' },
      Mounts: (wanted.mounts ?? []).map(({ source, target }) => ({
        Type: 'bind',
        Source: source,
        Target: target,
        ReadOnly: true,
      })),
      ...(wanted.memoryBytes === undefined ? {} : { Memory: wanted.memoryBytes }),
    },
    ...(first?.address === undefined
      ? {}
      : { NetworkingConfig: { EndpointsConfig: { [first.name]: endpoint(first.address) } } }),
  }
}

function endpoint(address: string | undefined): object {
  return address === undefined ? {} : { IPAMConfig: { IPv4Address: address } }
}

function digestOf(wanted: DockerContainerOptions): string {
  return createHash('sha256')
    .update(JSON.stringify([bodyOf(wanted), wanted.networks]))
    .digest('hex')
    .slice(0, 16)
}

function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12)
}
