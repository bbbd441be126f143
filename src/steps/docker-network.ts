import { callEngine } from '../facts/engine-api.ts'
import { engineState } from '../facts/engine.ts'
import { defineStep } from '../model/define-step.ts'
import type { Change } from '../model/step.ts'

/** An overlay network of the swarm, made on a manager. */
export interface DockerNetworkOptions {
  readonly name: string
  readonly subnet: string
  /** MTU of the link below it; the network's own is less by what the encapsulation takes (50 bytes). */
  readonly linkMtu: number
}

const MTU_OPTION = 'com.docker.network.driver.mtu'

/**
 * An overlay that services and single containers can join. One that differs is made anew, which its users must allow.
 * @example dockerNetwork({ name: 'lab', subnet: '10.239.16.0/20', linkMtu: 1500 })
 */
export const dockerNetwork = defineStep({
  kind: 'docker-network',
  title: (wanted: DockerNetworkOptions) => `overlay network ${wanted.name}, ${wanted.subnet}`,
  facts: () => ({ engine: engineState }),
  diff(wanted, { engine }) {
    const found = engine.networks.get(wanted.name)
    if (found === undefined) return [{ path: 'network', from: undefined, to: wanted.name }]
    const compare = (path: string, from: string, to: string): Change[] => (from === to ? [] : [{ path, from, to }])
    return [
      ...compare('driver', found.driver, 'overlay'),
      ...compare('attachable', String(found.attachable), 'true'),
      ...compare('subnet', found.subnets.join(', '), wanted.subnet),
      ...compare('mtu of the link', found.options[MTU_OPTION] ?? 'default', String(wanted.linkMtu)),
    ]
  },
  apply(wanted, _changes, { engine }) {
    const create = callEngine('POST', '/networks/create', {
      Name: wanted.name,
      Driver: 'overlay',
      Attachable: true,
      IPAM: { Config: [{ Subnet: wanted.subnet }] },
      Options: { [MTU_OPTION]: String(wanted.linkMtu) },
    })
    return engine.networks.has(wanted.name) ? [callEngine('DELETE', `/networks/${wanted.name}`), create] : [create]
  },
})
