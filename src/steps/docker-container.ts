import { createHash } from 'node:crypto'
import { callEngine } from '../facts/engine-api.ts'
import { engineState } from '../facts/engine.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import type { PortRange } from '../model/lab-spec.ts'
import { checkName, LABELS } from '../model/names.ts'
import type { Change } from '../model/step.ts'

/** A container of the lab's own on one node, outside the swarm's services. */
export interface DockerContainerOptions {
  readonly name: string
  /** Tag of an image that the node has. */
  readonly image: string
  /** Overrides the image's own. */
  readonly command?: readonly string[]
  readonly network: string
  /** TCP ports published on the node, to the same ports of the container. */
  readonly ports?: readonly PortRange[]
  /** Directories of the node, read-only in the container. */
  readonly mounts?: readonly { readonly source: string; readonly target: string }[]
  /** Signal that ends it. The default is the image's own, else TERM. */
  readonly stopSignal?: string
  readonly memoryBytes?: number
}

/**
 * A container that runs, restarts with its engine, and is made anew only when its own definition or its image changed.
 * @example dockerContainer({ name: 'lab-edge', image: 'lab-edge:latest', network: 'lab', ports: [{ first: 80, last: 80 }] })
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
    if (!found.networks.includes(wanted.network)) {
      changes.push({ path: 'network', from: found.networks.join(', '), to: wanted.network })
    }
    if (!found.running) changes.push({ path: 'running', from: 'no', to: 'yes' })
    return changes
  },
  apply(wanted, _changes, { engine }) {
    // Also for one that merely stopped: its place on an overlay may be of a swarm that is no more.
    const start = callEngine('POST', `/containers/${wanted.name}/start`)
    if (!engine.images.has(wanted.image)) throw new UsageError(`the node has no image ${wanted.image}`)
    const create = callEngine('POST', `/containers/create?name=${wanted.name}`, {
      ...bodyOf(wanted),
      Labels: { [LABELS.specDigest]: digestOf(wanted) },
    })
    const remove = callEngine('DELETE', `/containers/${wanted.name}?force=1&v=1`)
    return engine.containers.has(wanted.name) ? [remove, create, start] : [create, start]
  },
})

function bodyOf(wanted: DockerContainerOptions): object {
  const ports = (wanted.ports ?? []).flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => `${String(first + index)}/tcp`),
  )
  return {
    Image: wanted.image,
    Hostname: wanted.name,
    ...(wanted.command === undefined ? {} : { Cmd: wanted.command }),
    ...(wanted.stopSignal === undefined ? {} : { StopSignal: wanted.stopSignal }),
    ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])),
    HostConfig: {
      NetworkMode: wanted.network,
      RestartPolicy: { Name: 'always' },
      PortBindings: Object.fromEntries(ports.map((port) => [port, [{ HostPort: port.replace('/tcp', '') }]])),
      Mounts: (wanted.mounts ?? []).map(({ source, target }) => ({
        Type: 'bind',
        Source: source,
        Target: target,
        ReadOnly: true,
      })),
      ...(wanted.memoryBytes === undefined ? {} : { Memory: wanted.memoryBytes }),
    },
  }
}

function digestOf(wanted: DockerContainerOptions): string {
  return createHash('sha256')
    .update(JSON.stringify(bodyOf(wanted)))
    .digest('hex')
    .slice(0, 16)
}

function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12)
}
