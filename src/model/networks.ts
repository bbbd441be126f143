import { FIRST_ADDRESS, formatAddress, freeAddress, parseAddress, parseCidr } from './addresses.ts'
import type { LabSpec } from './lab-spec.ts'
import type { Machine } from './provider.ts'

/** A network besides the lab's own that nodes of lab.yml are on. */
export interface FurtherNetwork {
  readonly name: string
  /** CIDR, or `auto`. */
  readonly subnet: string
  /** Names of its nodes. */
  readonly nodes: readonly string[]
}

/** Something about networks in which a lab differs from its lab.yml. */
export type NetworkChange =
  | { readonly type: 'join' | 'leave'; readonly network: string; readonly node: string }
  | { readonly type: 'remove'; readonly network: string }

/** Pure: the networks besides the lab's own that there have to be: those that a node is on. */
export function furtherNetworks(spec: Pick<LabSpec, 'networks' | 'nodes'>): readonly FurtherNetwork[] {
  return Object.entries(spec.networks ?? {}).flatMap(([name, { subnet }]) => {
    const nodes = spec.nodes.filter(({ networks }) => networks?.includes(name) === true).map((node) => node.name)
    return nodes.length === 0 ? [] : [{ name, subnet, nodes }]
  })
}

/**
 * Pure: the address of each node on a network. What has one keeps it; the others get that with the number they have on the
 * lab's own network, or, where that is taken or past the end, the first free one. `own` has all nodes, in their order.
 */
export function furtherAddresses(
  subnet: string,
  nodes: readonly string[],
  own: { readonly subnet: string; readonly addresses: ReadonlyMap<string, string> },
  present: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const found = new Map(nodes.flatMap((name) => (present.has(name) ? [[name, present.get(name) ?? '']] : [])))
  const taken = new Set(present.values())
  const give = (name: string, address: string) => {
    found.set(name, address)
    taken.add(address)
  }
  const waiting = nodes.filter((name) => !found.has(name))
  for (const name of waiting) {
    const address = sameNumber(subnet, own.subnet, own.addresses.get(name))
    if (address !== undefined && !taken.has(address)) give(name, address)
  }
  for (const name of waiting) {
    if (!found.has(name)) give(name, freeAddress(subnet, taken))
  }
  return found
}

/** Pure: who has to join or leave a network, and which networks nobody is on any more. Machines that are missing are none. */
export function networkChanges(
  spec: Pick<LabSpec, 'networks' | 'nodes'>,
  machines: readonly Pick<Machine, 'name' | 'networks' | 'paused'>[],
  existing: Readonly<Record<string, string>>,
): readonly NetworkChange[] {
  const changes: NetworkChange[] = []
  const used = new Set(furtherNetworks(spec).map(({ name }) => name))
  for (const { name, networks = {}, paused } of machines) {
    const node = spec.nodes.find((each) => each.name === name)
    const present = Object.keys(networks)
    // One that stands still, or that lab.yml no longer has, is left as it is, and so is what it is on.
    if (node === undefined || paused === true) {
      for (const network of present) used.add(network)
      continue
    }
    const wanted = node.networks ?? []
    for (const network of present) {
      if (!wanted.includes(network)) changes.push({ type: 'leave', network, node: name })
    }
    for (const network of wanted) {
      if (!present.includes(network)) changes.push({ type: 'join', network, node: name })
    }
  }
  for (const network of Object.keys(existing)) {
    if (!used.has(network)) changes.push({ type: 'remove', network })
  }
  return changes
}

/** The address of a network with the number that another has in its own; undefined past the end. */
function sameNumber(subnet: string, ownSubnet: string, own: string | undefined): string | undefined {
  const [to, from] = [parseCidr(subnet), parseCidr(ownSubnet)]
  const address = own === undefined ? undefined : parseAddress(own)
  if (to === undefined || from === undefined || address === undefined) return undefined
  const number = address - from.base
  // The last one is the broadcast's.
  return number >= FIRST_ADDRESS && number < 2 ** (32 - to.prefix) - 1 ? formatAddress(to.base + number) : undefined
}
