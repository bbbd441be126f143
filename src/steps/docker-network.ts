import { callEngine } from '../facts/engine-api.ts'
import { engineState } from '../facts/engine.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import type { Change, Step } from '../model/step.ts'

/** A network of containers, or none. */
export type DockerNetworkOptions = DockerNetwork | AbsentNetwork

/** An overlay of the swarm, made on a manager, or a bridge of one engine. What is left out is left to the engine. */
export interface DockerNetwork {
  /** Its name. */
  readonly name: string
  /** `overlay` spans the nodes of a swarm, `bridge` is of one node. */
  readonly driver: 'overlay' | 'bridge'
  /** Its addresses, as `10.239.16.0/20`. @default one of the engine's pool */
  readonly subnet?: string
  /** MTU of the link below it, in bytes; an overlay's own is less by what the encapsulation takes (50 bytes). @default the engine's own */
  readonly linkMtu?: number
  /** Nothing outside can be reached from it. @default false */
  readonly internal?: boolean
  readonly absent?: false
  /** Steps that make the node ready for it: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/** No network of this name. */
export interface AbsentNetwork {
  /** Its name. */
  readonly name: string
  /** Removed, which is refused while it is in use. */
  readonly absent: true
  /** Steps it depends on: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

const MTU_OPTION = 'com.docker.network.driver.mtu'

// The swarm gives an overlay its driver and addresses some time after it took the order; until then it looks like another.
const ALLOCATED = `until [ -n "$(docker network inspect --format '{{.Driver}}' "$1")" ]; do sleep 0.05; done`
const ALLOCATION_S = 60

// A network of the swarm goes some time after the order, and is listed until then.
const GONE = `while docker network inspect "$1" >/dev/null 2>&1; do sleep 0.05; done`
const REMOVAL_S = 30

/**
 * A network; an overlay is one that services and single containers can join. One that differs is made anew, which is
 * refused while it is in use.
 * @example dockerNetwork({ name: 'backend', driver: 'bridge', subnet: '10.239.32.0/24' })
 * @example dockerNetwork({ name: 'former', absent: true })
 * @throws FACT_UNAVAILABLE: the engine of the node does not run.
 * @throws STEP_FAILED: the engine refuses: the subnet is taken, containers are on it, or it is an overlay and no swarm is there.
 */
export const dockerNetwork = defineStep({
  kind: 'docker-network',
  title: (wanted: DockerNetworkOptions) =>
    wanted.absent === true ? `remove network ${wanted.name}` : describe(wanted),
  validate({ name }) {
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name))
      throw new UsageError(`"${name}" is not the name of a network: use letters, digits, _, . and -`)
  },
  facts: () => ({ engine: engineState }),
  diff(wanted, { engine }) {
    const found = engine.networks.get(wanted.name)
    if (wanted.absent === true) return found === undefined ? [] : [{ path: 'network', from: found.name, to: undefined }]
    if (found === undefined) return [{ path: 'network', from: undefined, to: wanted.name }]
    const compare = (path: string, from: string, to: string | undefined): Change[] =>
      to === undefined || from === to ? [] : [{ path, from, to }]
    return [
      ...compare('driver', found.driver, wanted.driver),
      ...compare('attachable', String(found.attachable), String(wanted.driver === 'overlay')),
      ...compare('internal', String(found.internal), String(wanted.internal ?? false)),
      ...compare('subnet', found.subnets.join(', '), wanted.subnet),
      ...compare('mtu of the link', found.options[MTU_OPTION] ?? 'default', wanted.linkMtu?.toString()),
    ]
  },
  apply(wanted, _changes, { engine }) {
    const remove = callEngine('DELETE', `/networks/${wanted.name}`)
    if (wanted.absent === true)
      return [remove, { argv: ['timeout', String(REMOVAL_S), 'sh', '-c', GONE, 'gone', wanted.name] }]
    const create = callEngine('POST', '/networks/create', {
      Name: wanted.name,
      Driver: wanted.driver,
      Attachable: wanted.driver === 'overlay',
      ...(wanted.internal === true ? { Internal: true } : {}),
      ...(wanted.subnet === undefined ? {} : { IPAM: { Config: [{ Subnet: wanted.subnet }] } }),
      ...(wanted.linkMtu === undefined ? {} : { Options: { [MTU_OPTION]: String(wanted.linkMtu) } }),
    })
    const away = engine.networks.has(wanted.name) ? [remove] : []
    if (wanted.driver === 'bridge') return [...away, create]
    const wait = ['timeout', String(ALLOCATION_S), 'sh', '-c', ALLOCATED, 'allocated', wanted.name]
    return [...away, create, { argv: wait }]
  },
  after: ({ after }) => after ?? [],
})

function describe({ driver, name, subnet }: DockerNetwork): string {
  return `${driver} network ${name}${subnet === undefined ? '' : `, ${subnet}`}`
}
