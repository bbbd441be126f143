import { createHash } from 'node:crypto'
import { isIpInSubnet, nthAddress } from '../model/addresses.ts'
import type { LabSpec, NodeSpec } from '../model/lab-spec.ts'
import type { LabNetwork, Machine, MachineRequest } from '../model/provider.ts'
import { hostKey, labKey } from '../secrets/lab-secrets.ts'
import type { OpenLab } from './open-lab.ts'

/** First address given to a node; those below are the gateway's and kept free. */
const FIRST_HOST = 11

/** What a node's machine is made from, or given its keys again with. */
export async function machineRequest(
  open: OpenLab,
  node: NodeSpec,
  network: LabNetwork,
  machines: readonly Machine[],
): Promise<MachineRequest> {
  const [key, host] = await Promise.all([labKey(open.state), hostKey(open.state, node.name)])
  return {
    node,
    address:
      (await open.provider.address?.(node.name)) ??
      assignAddresses(network.subnet, open.spec.nodes, machines).get(node.name) ??
      '',
    hostname: node.name,
    hostKey: host,
    authorizedKey: key.publicKey,
    specDigest: specDigest(node, open.spec.provider),
  }
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
  const taken = new Set(addresses.values())
  let next = FIRST_HOST
  for (const { name } of nodes) {
    if (addresses.has(name)) continue
    while (taken.has(nthAddress(subnet, next))) next++
    addresses.set(name, nthAddress(subnet, next))
    taken.add(nthAddress(subnet, next))
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
