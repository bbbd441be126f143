import { getServers } from 'node:dns'
import { networkInterfaces } from 'node:os'
import { readFile } from 'node:fs/promises'
import type Docker from 'dockerode'
import { formatAddress, isIpInSubnet, parseCidr } from '../../model/addresses.ts'
import { unlessStatus } from './engine.ts'

/** A network of the host's engine. */
interface EngineNetwork {
  readonly id: string
  readonly subnets: readonly string[]
}

/**
 * Every IPv4 network this host can reach other than through its default route, as CIDRs: interfaces, routes, the
 * engine's networks (those without an interface included), where there is one, and the name servers. `except` leaves out
 * networks of the engine, by id, and their routes.
 */
export async function hostSubnets(
  engine: Docker | undefined,
  except: readonly string[] = [],
): Promise<readonly string[]> {
  const [routes, networks] = await Promise.all([hostRoutes(), engine === undefined ? [] : engineNetworks(engine)])
  const own = new Set(networks.filter(({ id }) => except.includes(id)).flatMap(({ subnets }) => subnets))
  const interfaces = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .flatMap(({ cidr }) => (cidr === null ? [] : [networkOf(cidr)]))
  const servers = getServers().flatMap((server) => (/^[\d.]+$/.test(server) ? [`${server}/32`] : []))
  const all = [...interfaces, ...routes, ...networks.flatMap(({ subnets }) => subnets), ...servers]
  return [...new Set(all)].filter((subnet) => !own.has(subnet) && !isDefaultRoute(subnet)).sort()
}

/** Whether a network of one of this host's own interfaces has the address; never so where the engine runs in a machine of its own. */
export function isOnLink(address: string): boolean {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .some(({ family, internal, cidr }) => {
      return family === 'IPv4' && !internal && cidr !== null && isIpInSubnet(address, networkOf(cidr))
    })
}

/** MTU of the link that this host's default route leaves through; 1500 where it cannot be told. */
export async function linkMtu(): Promise<number> {
  if (process.platform !== 'linux') return 1500
  const table = await readFile('/proc/net/route', 'utf8').catch(() => '')
  const device = table
    .split('\n')
    .map((line) => line.split('\t'))
    .find((fields) => fields[1] === '00000000' && fields[7] === '00000000')?.[0]
  if (device === undefined) return 1500
  const mtu = Number(await readFile(`/sys/class/net/${device}/mtu`, 'utf8').catch(() => '1500'))
  return mtu >= 576 && mtu <= 9000 ? mtu : 1500
}

/**
 * Destinations of every table, as `ip route` prints them (VPNs keep theirs outside the main one). Left out are the
 * interfaces' own addresses (`local`, `broadcast`), whose networks are listed as well.
 */
export function parseRoutes(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const words = line.trim().split(/\s+/)
    const destination = /^(unreachable|blackhole|prohibit|unicast|throw)$/.test(words[0] ?? '') ? words[1] : words[0]
    const match = /^\d+\.\d+\.\d+\.\d+(\/\d+)?$/.exec(destination ?? '')
    if (match === null) return []
    return [match[1] === undefined ? `${match[0]}/32` : match[0]]
  })
}

async function hostRoutes(): Promise<readonly string[]> {
  if (process.platform !== 'linux') return []
  // Loaded where it is used: most commands start nothing on this host.
  const { execa } = await import('execa')
  const { stdout, exitCode } = await execa('ip', ['-4', 'route', 'show', 'table', 'all'], { reject: false })
  // Without `ip` the interfaces and the engine's networks have to do.
  return exitCode === 0 ? parseRoutes(stdout) : []
}

async function engineNetworks(engine: Docker): Promise<readonly EngineNetwork[]> {
  const networks = (await unlessStatus(engine.listNetworks(), 404)) ?? []
  return networks.map(({ Id, IPAM }) => ({
    id: Id,
    subnets: (IPAM?.Config ?? []).flatMap((config) => {
      const subnet = config.Subnet
      return subnet !== undefined && parseCidr(subnet) !== undefined ? [subnet] : []
    }),
  }))
}

/** VPNs split the default route into a few very large networks; those are no reason to avoid an address. */
function isDefaultRoute(subnet: string): boolean {
  return (parseCidr(subnet)?.prefix ?? 32) < 8
}

/** `192.0.2.7/24` to `192.0.2.0/24`. */
function networkOf(cidr: string): string {
  const parsed = parseCidr(cidr)
  return parsed === undefined ? cidr : `${formatAddress(parsed.base)}/${String(parsed.prefix)}`
}
