import { createHash } from 'node:crypto'
import type Docker from 'dockerode'
import { overlaps } from '../../model/addresses.ts'
import { LabError, UsageError } from '../../model/errors.ts'
import type { LabIdentity, LabSpec } from '../../model/lab-spec.ts'
import { LABELS } from '../../model/names.ts'
import type { LabNetwork } from '../../model/provider.ts'
import { engineMessage } from '../../model/engine-error.ts'
import { unlessStatus } from './engine.ts'
import { hostSubnets, linkMtu } from './host-networks.ts'

const MTU_OPTION = 'com.docker.network.driver.mtu'
/** Subnets to try before giving up: every attempt may lose a race against another lab. */
const ATTEMPTS = 20

/** The lab's network in the host's engine; undefined when there is none. */
export async function findNetwork(engine: Docker, lab: LabIdentity): Promise<LabNetwork | undefined> {
  const network = await unlessStatus(engine.getNetwork(lab.id).inspect(), 404)
  if (network === undefined) return undefined
  const labels = network.Labels ?? {}
  if (labels[LABELS.lab] !== lab.id) throw notOurs(lab)
  return {
    subnet: labels[LABELS.subnet] ?? network.IPAM?.Config?.[0]?.Subnet ?? '',
    mtu: Number(network.Options?.[MTU_OPTION] ?? 1500),
    hostSubnets: () => hostSubnets(engine, network.Id),
  }
}

/** Creates the lab's network, on the subnet lab.yml names or on one that is free of every network of the host. */
export async function createNetwork(engine: Docker, lab: LabIdentity, spec: LabSpec): Promise<void> {
  const taken = await hostSubnets(engine)
  const mtu = await linkMtu()
  const candidates = spec.subnet === 'auto' ? subnetCandidates(lab.id, spec.nodes.length) : [spec.subnet]
  const free = candidates.filter((candidate) => !taken.some((subnet) => overlaps(candidate, subnet)))
  if (free.length === 0) throw noSubnet(spec, taken)
  let refused = ''
  for (const subnet of free.slice(0, ATTEMPTS)) {
    try {
      await engine.createNetwork({
        Name: lab.id,
        CheckDuplicate: true,
        Driver: 'bridge',
        IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
        Options: { [MTU_OPTION]: String(mtu) },
        Labels: {
          [LABELS.lab]: lab.id,
          [LABELS.labName]: lab.name,
          [LABELS.directory]: lab.directory,
          [LABELS.subnet]: subnet,
        },
      })
      return
    } catch (error) {
      refused = engineMessage(error)
      // Somebody else took this subnet a moment ago: try the next. Anything else is no better with another one.
      if (!/overlap|already allocated/i.test(refused)) {
        throw new LabError('NO_NETWORK', `the engine refuses a network on ${subnet}: ${refused}`, {
          where: lab.id,
          hint: 'lab doctor',
          cause: error,
        })
      }
    }
  }
  throw new LabError('NO_FREE_SUBNET', `no free subnet for the nodes; the last one tried was refused: ${refused}`, {
    where: 'lab.yml: subnet',
    hint: 'remove networks you do not need (docker network prune), or name a subnet in lab.yml',
  })
}

/**
 * Subnets a lab may take, best first: below 10.64.0.0/10 and in parts of 172.16/12 and 192.168/16 that are seldom used.
 * Where to begin follows from the lab's id, so that labs created at the same moment seldom want the same one.
 */
export function subnetCandidates(id: string, nodes: number): readonly string[] {
  // Room for twice the nodes, and at least a /24: names of addresses stay easy to read.
  const prefix = Math.min(24, 32 - Math.ceil(Math.log2((nodes + 16) * 2)))
  const step = 2 ** Math.max(0, 24 - prefix)
  const start = createHash('sha256').update(id).digest().readUInt16BE(0)
  const blocks: string[] = []
  const add = (first: number, seconds: readonly number[]) => {
    for (const second of seconds) blocks.push(`${String(first)}.${String(second)}`)
  }
  add(
    10,
    [...Array(26).keys()].map((index) => 64 + ((start + index) % 26)),
  )
  add(172, [20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31])
  add(192, [168])
  const thirds = [0, 64, 128].map((offset) => {
    const third = (Math.floor(start / 26) + offset) % 256
    return third - (third % step)
  })
  return blocks.flatMap((block) => thirds.map((third) => `${block}.${String(third)}.0/${String(prefix)}`))
}

function noSubnet(spec: LabSpec, taken: readonly string[]): LabError {
  if (spec.subnet === 'auto') {
    return new LabError('NO_FREE_SUBNET', `no free subnet for the nodes; this host reaches ${taken.join(', ')}`, {
      where: 'lab.yml: subnet',
      hint: 'name one in lab.yml that nothing on this host uses, like subnet: 192.168.203.0/24',
    })
  }
  const inTheWay = taken.filter((subnet) => overlaps(subnet, spec.subnet))
  return new UsageError(
    `the subnet ${spec.subnet} is in use on this host: ${inTheWay.join(', ')}`,
    { where: 'lab.yml: subnet', hint: 'name another one, or leave it out: lab then finds a free one' },
    'SUBNET_IN_USE',
  )
}

function notOurs(lab: LabIdentity): LabError {
  return new LabError('NOT_OURS', `a network named ${lab.id} exists that lab did not make`, {
    where: lab.id,
    hint: `rename the lab in lab.yml, or remove it: docker network rm ${lab.id}`,
  })
}
