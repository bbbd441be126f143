import { createHash } from 'node:crypto'
import { FRONT_ADDRESS, freeAddress, isIpInSubnet, nthAddress } from '../model/addresses.ts'
import type { LabSpec, NodeSpec } from '../model/lab-spec.ts'
import { furtherAddresses, furtherNetworks } from '../model/networks.ts'
import type { LabNetwork, Machine, MachineRequest } from '../model/provider.ts'
import { hostKey, labKey } from '../secrets/lab-secrets.ts'
import type { OpenLab } from './open-lab.ts'

/** First address given to a node; those below are the gateway's and kept free, where there are enough. */
const FIRST_HOST = 11

/** What a node's machine is made from, or given its keys again with. */
export async function machineRequest(
  open: OpenLab,
  node: NodeSpec,
  network: LabNetwork,
  machines: readonly Machine[],
): Promise<MachineRequest> {
  const [key, host] = await Promise.all([labKey(open.state), hostKey(open.state, node.name)])
  const own = await open.provider.address?.(node.name)
  const { address, further } = (own === undefined
    ? nodeAddresses(network, open.spec, machines).get(node.name)
    : undefined) ?? { address: own ?? '', further: {} }
  return {
    node,
    address,
    ...(Object.keys(further).length === 0 ? {} : { networks: further }),
    hostname: node.name,
    hostKey: host,
    authorizedKey: key.publicKey,
    specDigest: specDigest(node, open.spec.provider),
  }
}

/** Where a node is, or will be, reached. */
export interface NodeAddresses {
  readonly address: string
  /** On networks besides the lab's own that exist, by their names. */
  readonly further: Readonly<Record<string, string>>
}

/** Pure: the addresses that the nodes of lab.yml have or get, on the lab's own network and on those besides it. */
export function nodeAddresses(
  { subnet, further = {} }: Pick<LabNetwork, 'subnet' | 'further'>,
  spec: Pick<LabSpec, 'nodes' | 'networks'>,
  machines: readonly Pick<Machine, 'name' | 'address' | 'networks'>[],
): ReadonlyMap<string, NodeAddresses> {
  const addresses = assignAddresses(subnet, spec.nodes, machines)
  const found = new Map<string, Record<string, string>>()
  for (const { name: network, nodes } of furtherNetworks(spec)) {
    const there = further[network]
    if (there === undefined) continue
    const present = machines.flatMap(({ name, networks }) => {
      const address = networks?.[network]
      return address === undefined ? [] : [[name, address] as const]
    })
    const given = furtherAddresses(there, nodes, { subnet, addresses }, new Map(present))
    for (const [name, address] of given) found.set(name, { ...found.get(name), [network]: address })
  }
  return new Map([...addresses].map(([name, address]) => [name, { address, further: found.get(name) ?? {} }]))
}

/** Pure: the address each node has or gets. What exists keeps its own; the rest take free ones in order. */
function assignAddresses(
  subnet: string,
  nodes: readonly NodeSpec[],
  machines: readonly Pick<Machine, 'name' | 'address'>[],
): ReadonlyMap<string, string> {
  const addresses = new Map(
    machines.filter(({ address }) => isIpInSubnet(address, subnet)).map(({ name, address }) => [name, address]),
  )
  const taken = new Set([nthAddress(subnet, FRONT_ADDRESS), ...addresses.values()])
  for (const { name } of nodes) {
    if (addresses.has(name)) continue
    const address = freeAddress(subnet, taken, FIRST_HOST)
    addresses.set(name, address)
    taken.add(address)
  }
  return addresses
}

/** Digest of what a machine cannot be given after its creation. */
export function specDigest(node: NodeSpec, provider: LabSpec['provider']): string {
  // Vagrant forwards a port of this host to the machine of an edge.
  const edge = provider === 'vagrant' && node.roles.includes('edge')
  const fixed = { memory: node.memoryBytes ?? null, cpus: node.cpus ?? null, edge }
  return createHash('sha256').update(JSON.stringify(fixed)).digest('hex').slice(0, 12)
}
