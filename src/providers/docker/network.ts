import type Docker from 'dockerode'
import { overlaps } from '../../model/addresses.ts'
import { LabError, UsageError } from '../../model/errors.ts'
import type { LabIdentity, LabSpec } from '../../model/lab-spec.ts'
import { LABELS } from '../../model/names.ts'
import { furtherNetworks } from '../../model/networks.ts'
import type { LabNetwork } from '../../model/provider.ts'
import { engineMessage } from '../../model/engine-error.ts'
import { unlessStatus } from './engine.ts'
import { hostSubnets, linkMtu } from './host-networks.ts'
import { labLabels } from './machine.ts'
import { furtherName } from './further-networks.ts'
import { subnetCandidates } from './subnet-candidates.ts'

const MTU_OPTION = 'com.docker.network.driver.mtu'
/** Subnets to try before giving up: every attempt may lose a race against another lab. */
const ATTEMPTS = 20

/** A network that has to be made. */
interface WantedNetwork {
  /** As the engine calls it. */
  readonly id: string
  /** Its name in lab.yml; absent for the lab's own. */
  readonly name?: string
  /** CIDR, or `auto`. */
  readonly subnet: string
  /** How many nodes it is for. */
  readonly nodes: number
}

/** The lab's network in the host's engine, with those besides it; undefined when there is none. */
export async function findNetwork(engine: Docker, lab: LabIdentity): Promise<LabNetwork | undefined> {
  const networks = await networksOf(engine, lab)
  const own = networks.find(({ Name }) => Name === lab.id)
  if (own === undefined) {
    if ((await unlessStatus(engine.getNetwork(lab.id).inspect(), 404)) !== undefined) throw notOurs(lab)
    return undefined
  }
  const further = networks.flatMap((network) => {
    const name = network.Labels?.[LABELS.network]
    return name === undefined ? [] : [[name, subnetOf(network)] as const]
  })
  return {
    subnet: subnetOf(own),
    mtu: Number(own.Options?.[MTU_OPTION] ?? 1500),
    ...(further.length === 0 ? {} : { further: Object.fromEntries(further) }),
    hostSubnets: () => hostSubnets(engine, [own.Id]),
  }
}

/** Every network this host can reach other than through its default route and other than the lab's own ones. */
export async function foreignSubnets(engine: Docker, lab: LabIdentity): Promise<readonly string[]> {
  const own = await networksOf(engine, lab)
  return hostSubnets(
    engine,
    own.map(({ Id }) => Id),
  )
}

/**
 * Creates those of the lab's networks that are missing, each on the subnet that lab.yml names or on one that is free of
 * every network of the host. Whether the named ones are free is found out before any is made.
 */
export async function createNetworks(engine: Docker, lab: LabIdentity, spec: LabSpec): Promise<void> {
  const present = new Set((await networksOf(engine, lab)).map(({ Name }) => Name))
  const all: readonly WantedNetwork[] = [
    { id: lab.id, subnet: spec.subnet, nodes: spec.nodes.length },
    ...furtherNetworks(spec).map(({ name, subnet, nodes }) => {
      return { id: furtherName(lab, name), name, subnet, nodes: nodes.length }
    }),
  ]
  const missing = all.filter(({ id }) => !present.has(id))
  if (missing.length === 0) return
  const [taken, mtu] = await Promise.all([hostSubnets(engine), linkMtu()])
  const named = missing.filter(({ subnet }) => subnet !== 'auto')
  for (const wanted of named) {
    if (taken.some((subnet) => overlaps(wanted.subnet, subnet))) throw noSubnet(wanted, taken)
  }
  const used = [...taken, ...named.map(({ subnet }) => subnet)]
  for (const wanted of missing) {
    const candidates = wanted.subnet === 'auto' ? subnetCandidates(wanted.id, wanted.nodes) : [wanted.subnet]
    const free = named.includes(wanted)
      ? candidates
      : candidates.filter((candidate) => !used.some((subnet) => overlaps(candidate, subnet)))
    if (free.length === 0) throw noSubnet(wanted, taken)
    used.push(await createFirst(engine, lab, wanted, free, mtu))
  }
}

/** Creates a network on the first subnet that the engine takes, and says which. */
async function createFirst(
  engine: Docker,
  lab: LabIdentity,
  { id, name }: WantedNetwork,
  subnets: readonly string[],
  mtu: number,
): Promise<string> {
  let refused = ''
  for (const subnet of subnets.slice(0, ATTEMPTS)) {
    try {
      await engine.createNetwork({
        Name: id,
        CheckDuplicate: true,
        Driver: 'bridge',
        // What leaves a node for the world goes through the lab's own network, whatever the engine makes of several.
        Internal: name !== undefined,
        IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
        Options: { [MTU_OPTION]: String(mtu) },
        Labels: {
          ...labLabels(lab),
          [LABELS.subnet]: subnet,
          ...(name === undefined ? {} : { [LABELS.network]: name }),
        },
      })
      return subnet
    } catch (error) {
      refused = engineMessage(error)
      // Somebody else took this subnet a moment ago: try the next. Anything else is no better with another one.
      if (!/overlap|already allocated/i.test(refused)) {
        throw new LabError('NO_NETWORK', `the engine refuses a network on ${subnet}: ${refused}`, {
          where: id,
          hint: 'lab doctor',
          cause: error,
        })
      }
    }
  }
  throw new LabError('NO_FREE_SUBNET', `no free subnet for the nodes; the last one tried was refused: ${refused}`, {
    where: whereOf(name),
    hint: 'remove networks you do not need (docker network prune), or name a subnet in lab.yml',
  })
}

async function networksOf(engine: Docker, lab: LabIdentity): Promise<readonly Docker.NetworkInspectInfo[]> {
  return engine.listNetworks({ filters: { label: [`${LABELS.lab}=${lab.id}`] } })
}

function subnetOf({ Labels, IPAM }: Docker.NetworkInspectInfo): string {
  return Labels?.[LABELS.subnet] ?? IPAM?.Config?.[0]?.Subnet ?? ''
}

function whereOf(name: string | undefined): string {
  return name === undefined ? 'lab.yml: subnet' : `lab.yml: networks: ${name}`
}

function noSubnet({ name, subnet }: WantedNetwork, taken: readonly string[]): LabError {
  const where = whereOf(name)
  if (subnet === 'auto') {
    return new LabError('NO_FREE_SUBNET', `no free subnet for the nodes; this host reaches ${taken.join(', ')}`, {
      where,
      hint: 'name one in lab.yml that nothing on this host uses, like subnet: 192.168.203.0/24',
    })
  }
  const inTheWay = taken.filter((other) => overlaps(other, subnet))
  return new UsageError(
    `the subnet ${subnet} is in use on this host: ${inTheWay.join(', ')}`,
    { where, hint: 'name another one, or leave it out: lab then finds a free one' },
    'SUBNET_IN_USE',
  )
}

function notOurs(lab: LabIdentity): LabError {
  return new LabError('NOT_OURS', `a network named ${lab.id} exists that lab did not make`, {
    where: lab.id,
    hint: `rename the lab in lab.yml, or remove it: docker network rm ${lab.id}`,
  })
}
