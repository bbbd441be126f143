import { callEngine } from '../facts/engine-api.ts'
import { engineState } from '../facts/engine.ts'
import { defineStep } from '../model/define-step.ts'
import type { Change } from '../model/step.ts'

/** A network of containers: an overlay of the swarm, made on a manager, or a bridge of one engine. */
export interface DockerNetworkOptions {
  readonly name: string
  readonly driver: 'overlay' | 'bridge'
  readonly subnet: string
  /** MTU of the link below it; an overlay's own is less by what the encapsulation takes (50 bytes). */
  readonly linkMtu: number
}

const MTU_OPTION = 'com.docker.network.driver.mtu'

// The swarm gives an overlay its driver and addresses some time after it took the order; until then it looks like another.
const ALLOCATED = `until [ -n "$(docker network inspect --format '{{.Driver}}' "$1")" ]; do sleep 0.05; done`
const ALLOCATION_S = 60

/**
 * A network; an overlay is one that services and single containers can join. One that differs is made anew, which is
 * refused while it is in use.
 * @example dockerNetwork({ name: 'lab', driver: 'overlay', subnet: '10.239.16.0/20', linkMtu: 1500 })
 */
export const dockerNetwork = defineStep({
  kind: 'docker-network',
  title: (wanted: DockerNetworkOptions) => `${wanted.driver} network ${wanted.name}, ${wanted.subnet}`,
  facts: () => ({ engine: engineState }),
  diff(wanted, { engine }) {
    const found = engine.networks.get(wanted.name)
    if (found === undefined) return [{ path: 'network', from: undefined, to: wanted.name }]
    const compare = (path: string, from: string, to: string): Change[] => (from === to ? [] : [{ path, from, to }])
    return [
      ...compare('driver', found.driver, wanted.driver),
      ...compare('attachable', String(found.attachable), String(wanted.driver === 'overlay')),
      ...compare('subnet', found.subnets.join(', '), wanted.subnet),
      ...compare('mtu of the link', found.options[MTU_OPTION] ?? 'default', String(wanted.linkMtu)),
    ]
  },
  apply(wanted, _changes, { engine }) {
    const create = callEngine('POST', '/networks/create', {
      Name: wanted.name,
      Driver: wanted.driver,
      Attachable: wanted.driver === 'overlay',
      IPAM: { Config: [{ Subnet: wanted.subnet }] },
      Options: { [MTU_OPTION]: String(wanted.linkMtu) },
    })
    const away = engine.networks.has(wanted.name) ? [callEngine('DELETE', `/networks/${wanted.name}`)] : []
    if (wanted.driver === 'bridge') return [...away, create]
    const wait = ['timeout', String(ALLOCATION_S), 'sh', '-c', ALLOCATED, 'allocated', wanted.name]
    return [...away, create, { argv: wait }]
  },
})
