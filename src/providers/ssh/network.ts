import { lookup } from 'node:dns/promises'
import { connect as connectTcp } from 'node:net'
import { isIpInSubnet, parseAddress } from '../../model/addresses.ts'
import { LabError } from '../../model/errors.ts'
import type { LabNetwork } from '../../model/provider.ts'
import type { ReachableHost } from './reach.ts'
import { networkOf, type Route, type Survey } from './survey.ts'

/** What was found out about a host: how it is, or why it cannot be had. */
export type Found = { readonly host: ReachableHost } & (
  { readonly survey: Survey; readonly error?: undefined } | { readonly survey?: undefined; readonly error: LabError }
)

/** A host that takes no connection within this is not on a network of this machine. */
const NEAR_MS = 1500

/** Whether a network is not one of the engine's own, which on a node are the lab's. */
function isForeign({ device }: Route): boolean {
  return !/^(docker0|docker_gwbridge|br-[0-9a-f]{12})$/.test(device)
}

/** The network that holds all nodes. */
export function networkOfAll(all: readonly Found[]): LabNetwork {
  const surveys = all.flatMap(({ host, survey }) =>
    survey === undefined
      ? []
      : [{ survey, name: host.node.name, address: survey.machine?.address ?? ownAddress(host, survey) }],
  )
  const networks = surveys.flatMap(({ survey, address }) => networkOf(survey, address) ?? [])
  const addresses = surveys.map(({ address }) => address)
  const shared = networks.find(({ subnet }) => addresses.every((address) => isIpInSubnet(address, subnet)))
  const subnet = shared?.subnet ?? `${addresses[0] ?? '0.0.0.0'}/32`
  return {
    subnet,
    mtu: Math.min(...networks.map(({ mtu }) => mtu), 9000),
    // Every network any of them knows: what the lab takes for itself must stay clear of all.
    hostSubnets: () =>
      Promise.resolve([
        ...new Set(surveys.flatMap(({ survey }) => survey.routes.filter(isForeign).map(({ subnet }) => subnet))),
      ]),
  }
}

/** The address by which nodes know one another: the one given, or the one reached, if it is the host's own. */
export function ownAddress({ spec, client, node }: ReachableHost, { addresses }: Survey): string {
  const given = spec.address ?? (parseAddress(client.host) === undefined ? undefined : client.host)
  const [only] = addresses
  if (given !== undefined && (addresses.includes(given) || addresses.length === 0)) return given
  if (spec.address === undefined && only !== undefined && addresses.length === 1) return only
  throw new LabError(
    'NO_ADDRESS',
    given === undefined
      ? `${node.name} has the addresses ${addresses.join(', ')}, and lab cannot tell which of them the other nodes reach`
      : `${given} is no address of ${node.name}: it has ${addresses.join(', ')}`,
    { where: node.name, hint: `say in lab.yml: ssh: { address: ${only ?? '10.0.0.5'} }` },
  )
}

/** The IPv4 address of a name, as this machine knows it. */
export async function resolve(host: string): Promise<string | undefined> {
  return lookup(host, { family: 4 }).then(
    ({ address }) => address,
    () => undefined,
  )
}

/** Whether this machine reaches an address by itself: also a refusal is an answer. */
export function isNear(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connectTcp({ host, port })
    const end = (near: boolean) => {
      socket.destroy()
      done(near)
    }
    socket.setTimeout(NEAR_MS, () => {
      end(false)
    })
    socket.once('connect', () => {
      end(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      end(error.code === 'ECONNREFUSED')
    })
  })
}
