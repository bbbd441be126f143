import { overlaps } from '../model/addresses.ts'
import { bytesText } from '../model/bytes-text.ts'
import { nodesWithRole, type LabSpec } from '../model/lab-spec.ts'
import { furtherNetworks } from '../model/networks.ts'
import type { Machine, MadeAs } from '../model/provider.ts'
import type { SwappedHost } from './swapped-hosts.ts'

/** What a filesystem needs for itself beside what is in it. */
const POOL_ROOM = 256 * 2 ** 20

/** A lab as it is, against which a changed lab.yml is held. */
export interface LiveLab {
  readonly machines: readonly (Pick<Machine, 'name'> & { readonly address?: string })[]
  /** Nodes for which lab.yml names other hosts than those that were taken over as them. */
  readonly swapped?: readonly SwappedHost[]
  /** Undefined where the lab has no network yet. */
  readonly subnet: string | undefined
  /** CIDRs of networks besides the lab's own that exist, by name. */
  readonly further?: Readonly<Record<string, string>>
  /** CIDRs that networks which lab.yml has more than there are must keep clear of, with whose each is. */
  readonly taken?: readonly { readonly subnet: string; readonly of: string }[]
  /** Names of nodes that are workers now and own volumes, with those. */
  readonly volumesOf: ReadonlyMap<string, readonly string[]>
  /** Members of the swarm that run and are not in lab.yml, where no provider tells of them. */
  readonly strays?: readonly string[]
  /** Managers of the swarm there is, where lab.yml gives the role only to nodes that are none. */
  readonly formerManagers?: readonly string[]
  /** Nodes that are to have less memory than they cannot do without now. */
  readonly crowded?:
    readonly { readonly name: string; readonly usedBytes: number; readonly wantedBytes: number }[] | undefined
  /** Pools that lab.yml wants smaller than they are. */
  readonly pools?: readonly PoolSize[]
  /** Sizes in bytes of the disks of nodes, by node and name. */
  readonly disks?: NodeDisks
  /** Ports of the edge that deployed services answer on, where lab.yml may have others than before. */
  readonly routes?: readonly { readonly app: string; readonly service: string; readonly port: number }[]
  /** Who has the machines, where that is judged by lab.yml: nobody named another one for this run. */
  readonly provider?: LiveProvider
  /** Ids of labs that were made from this directory under other names. */
  readonly namesakes: readonly string[]
  /** What its machines were set up as, where they are found all the same and that is another lab. */
  readonly madeAs?: MadeAs | undefined
}

/** What lab.yml says makes the machines, and what has made them. */
export interface LiveProvider {
  readonly said: LabSpec['provider']
  readonly has: LabSpec['provider']
  /** What lab.yml said when the last `up` did all it had to. */
  readonly before: LabSpec['provider'] | undefined
}

/** The pool of a node. */
export interface PoolSize {
  readonly node: string
  readonly driver: string
  readonly sizeBytes: number
  readonly usedBytes: number
}

/** What a changed lab.yml asks of a lab that lives. */
export interface LabChange {
  /** Why it is not done, and what to type; nothing is changed then. */
  readonly refused: readonly { readonly message: string; readonly hint: string }[]
  /** Nodes that lab.yml no longer has: they go once somebody agreed. */
  readonly removed: readonly string[]
  /** Disks that lab.yml no longer has, of nodes that it has: they go with what is on them, once somebody agreed. */
  readonly disks: readonly RemovedDisk[]
}

/** Sizes in bytes of disks, by node and name. */
export type NodeDisks = Readonly<Record<string, Readonly<Record<string, number>>>>

/** A disk to be given up. */
export interface RemovedDisk {
  readonly node: string
  readonly disk: string
  readonly sizeBytes: number
}

/** Pure: what of a changed lab.yml cannot be done to the lab that lives, and which nodes it takes away. */
export function judgeChange(spec: LabSpec, live: LiveLab): LabChange {
  const listed = new Set(spec.nodes.map(({ name }) => name))
  const removed = live.machines.map(({ name }) => name).filter((name) => !listed.has(name))
  const refused: LabChange['refused'][number][] = []
  const [namesake] = live.namesakes
  if (namesake !== undefined && live.machines.length === 0) refused.push(otherName(spec.name, namesake))
  if (live.madeAs !== undefined && live.machines.length > 0) refused.push(otherIdentity(spec.name, live.madeAs))
  if (live.provider !== undefined && live.machines.length > 0) refused.push(...providerProblems(live.provider))
  if (live.subnet !== undefined && spec.subnet !== 'auto' && spec.subnet !== live.subnet) {
    refused.push({
      message: `lab.yml asks for the subnet ${spec.subnet}, and the nodes have their addresses in ${live.subnet} for life`,
      hint: `write subnet: ${live.subnet}, or lab destroy, then lab up`,
    })
  }
  refused.push(...networkProblems(spec, live))
  for (const { name, roles } of spec.nodes) {
    const volumes = live.volumesOf.get(name) ?? []
    if (roles.includes('worker') || volumes.length === 0) continue
    refused.push({
      message: `lab.yml takes the role "worker" from ${name}, which owns ${volumes.join(', ')}`,
      hint: `lab volume move --evacuate ${name} with the role given back, then change it`,
    })
  }
  for (const name of live.strays ?? []) {
    refused.push({
      message: `${name} is not in lab.yml and is in the lab: it would keep its apps and volumes, and could not be reached any more`,
      hint: `write it into lab.yml again, then lab node rm ${name}`,
    })
  }
  refused.push(...hostProblems(spec, live))
  const [former] = live.formerManagers ?? []
  if (former !== undefined) {
    const managers = nodesWithRole(spec, 'manager').map(({ name }) => name)
    refused.push({
      message: `lab.yml makes ${managers.join(', ')} the managers, and none of them is one yet: the swarm would be lost with ${live.formerManagers?.join(', ') ?? ''}`,
      hint: listed.has(former)
        ? `give ${former} the role "manager" back, lab up, and take it away only then`
        : `write ${former} into lab.yml again, with the role "manager", lab up, and take it out only then`,
    })
  }
  for (const { name, usedBytes, wantedBytes } of live.crowded ?? []) {
    refused.push({
      message: `lab.yml gives ${name} ${bytesText(wantedBytes)} of memory, and it uses ${bytesText(usedBytes)}: what runs there would be killed`,
      hint: `give it more in lab.yml, or take apps off it first: lab node drain ${name}, lab up, lab node activate ${name}`,
    })
  }
  for (const { app, service, port } of live.routes ?? []) {
    if (spec.edge.ports.some(({ first, last }) => first <= port && port <= last)) continue
    refused.push({
      message: `lab.yml takes port ${String(port)} from the edge, and ${service} of ${app} is reached there`,
      hint: `add ${String(port)} to edge.ports again; or give ${service} another port in its compose.yml, lab deploy, then take it out (lab rm ${app} removes the app)`,
    })
  }
  for (const pool of live.pools ?? []) if (listed.has(pool.node)) refused.push(...poolProblems(spec, pool))
  const machines = new Set(live.machines.map(({ name }) => name))
  const disks = Object.entries(live.disks ?? {}).flatMap(([node, present]): readonly RemovedDisk[] => {
    const wanted = spec.nodes.find(({ name }) => name === node)?.disks ?? {}
    if (!listed.has(node) || !machines.has(node)) return []
    return Object.entries(present).flatMap(([disk, sizeBytes]) => {
      const wantedBytes = wanted[disk]
      if (wantedBytes === undefined) return [{ node, disk, sizeBytes }]
      if (wantedBytes < sizeBytes) refused.push(smallerDisk({ node, disk, sizeBytes }, wantedBytes))
      return []
    })
  })
  return { refused, removed, disks }
}

/**
 * Machines that exist count, whatever lab.yml says: one that always said `docker`, which is what it says where nobody
 * thought of it, is none that was changed.
 */
function providerProblems({ said, has, before }: LiveProvider): LabChange['refused'] {
  if (said === has || (said === 'docker' && (before ?? said) === said)) return []
  return [
    {
      message: `lab.yml says provider: ${said}, and the nodes of this lab are made by ${has}`,
      hint: `write provider: ${has}; to begin anew: lab destroy, then lab up`,
    },
  ]
}

/** Pure: what to say where a lab of this directory is there under another name. */
export function otherName(name: string, id: string): LabChange['refused'][number] {
  return {
    message: `lab.yml calls this lab "${name}", and "${id}" of the same directory is still there`,
    hint: `give it its name back (name: ${nameOf(id)}); to begin anew: lab destroy with that name, then change it`,
  }
}

/** Files on machines go by the lab's id: under another one nobody would find the data at the next boot. */
function otherIdentity(name: string, { id, directory }: MadeAs): LabChange['refused'][number] {
  if (nameOf(id) !== name) return otherName(name, id)
  return {
    message: `the machines of this lab were set up in ${directory}, and what is on them goes by that directory`,
    hint: `move this one back to ${directory}; to begin anew: lab destroy, then lab up`,
  }
}

function nameOf(id: string): string {
  return id.replace(/-[0-9a-f]{6}$/, '')
}

function smallerDisk({ node, disk, sizeBytes }: RemovedDisk, wantedBytes: number): LabChange['refused'][number] {
  return {
    message: `lab.yml asks for ${bytesText(wantedBytes)} for the disk ${disk} of ${node}, and it has ${bytesText(sizeBytes)}: a disk can only grow`,
    hint: `write ${disk}: ${String(sizeBytes / 2 ** 20)}MiB; or, giving up what is on it, take it out of lab.yml, lab up, and add it again`,
  }
}

/** Of hosts that exist already: each is a node for as long as it is not given back, at the address it was taken over with. */
function hostProblems(spec: LabSpec, { machines, swapped = [] }: LiveLab): LabChange['refused'] {
  const exchanged = swapped.map(({ name, before, now }) => ({
    message: `lab.yml says that ${name} is ${now}, and ${before} is: that host would be left behind with its volumes, as part of the lab`,
    hint: `put ${before} back; then lab node rm ${name} gives it back, and the other one can be added; where it is lost for good: lab node replace ${name}`,
  }))
  const moved = spec.nodes.flatMap(({ name, ssh }) => {
    const present = machines.find((machine) => machine.name === name)?.address
    if (ssh?.address === undefined || present === undefined || present === ssh.address) return []
    return [
      {
        message: `lab.yml gives ${name} the address ${ssh.address}, and the other nodes know it by ${present}`,
        hint: `write address: ${present}; or lab node replace ${name}, which takes it over anew with the other one`,
      },
    ]
  })
  return [...exchanged, ...moved]
}

function networkProblems(spec: LabSpec, { further = {}, taken = [] }: LiveLab): LabChange['refused'] {
  return furtherNetworks(spec).flatMap(({ name, subnet }) => {
    if (subnet === 'auto') return []
    const present = further[name]
    if (present !== undefined && present !== subnet) {
      const message = `lab.yml asks for the subnet ${subnet} for the network ${name}, and its nodes have their addresses in ${present} for life`
      const hint = `write subnet: ${present}; or take ${name} out of lab.yml, lab up, and add it again`
      return [{ message, hint }]
    }
    const other = present === undefined ? taken.find((each) => overlaps(each.subnet, subnet)) : undefined
    if (other === undefined) return []
    const message = `lab.yml asks for the subnet ${subnet} for the network ${name}, and ${other.subnet} is in use: ${other.of}`
    return [{ message, hint: `name another one, or leave "subnet" of ${name} out: lab then finds a free one` }]
  })
}

function poolProblems(spec: LabSpec, { node, driver, sizeBytes, usedBytes }: PoolSize): LabChange['refused'] {
  const { driver: wanted, poolSizeBytes } = spec.volumes
  const instead = `move its volumes off (lab volume move --evacuate ${node}), then lab node replace ${node}`
  if (wanted !== 'auto' && wanted !== driver) {
    const message = `lab.yml asks for volumes of ${wanted}, and the pool of ${node} is ${driver}`
    return [{ message, hint: `write driver: ${driver}; or ${instead}` }]
  }
  const leastBytes = usedBytes + POOL_ROOM
  if (poolSizeBytes >= sizeBytes || (driver === 'btrfs' && poolSizeBytes >= leastBytes)) return []
  const why =
    driver === 'btrfs'
      ? `with ${bytesText(usedBytes)} in it it cannot be smaller than ${bytesText(leastBytes)}`
      : `a pool of ${driver} can only grow`
  return [
    {
      message: `lab.yml asks for a poolSize of ${bytesText(poolSizeBytes)}, and the pool of ${node} has ${bytesText(sizeBytes)}: ${why}`,
      hint: `write poolSize: ${String(Math.floor(sizeBytes / 2 ** 20))}MiB; or ${instead}`,
    },
  ]
}
