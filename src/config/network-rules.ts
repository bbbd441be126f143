import { overlaps } from '../model/addresses.ts'
import { isName, nearest } from '../model/names.ts'
import { cidrCapacity, cidrProblem } from './cidr.ts'
import type { PathProblem } from './issue-text.ts'

/** `lab` is the overlay's name, and `local` ends the lab's own names. */
const RESERVED: readonly string[] = ['lab', 'local']

/** An entry of `nodes`: where it stands, and the names it stands for. */
interface NamedEntry {
  readonly index: number
  readonly names: readonly string[]
}

/** Names of the nodes on each network that the file has, whatever else is wrong with it. */
export function membersByNetwork(
  file: Readonly<Record<string, unknown>>,
  entries: readonly NamedEntry[],
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    Object.keys(recordOf(file['networks'])).map((network) => [
      network,
      entries.flatMap(({ index, names }) => (networksOf(file, index).includes(network) ? names : [])),
    ]),
  )
}

/** What is wrong with networks: their names, their addresses, and who is said to be on them. */
export function networkProblems(
  file: Readonly<Record<string, unknown>>,
  entries: readonly NamedEntry[],
): readonly PathProblem[] {
  // Hosts that exist have none of these, which is a problem of its own.
  if (file['provider'] === 'ssh') return []
  const members = membersByNetwork(file, entries)
  const known = [...members.keys()]
  return [
    ...known.flatMap((network) => nameProblem(network)),
    ...subnetProblems(file, members),
    ...entries.flatMap(({ index }) => memberProblems(networksOf(file, index), index, known)),
  ]
}

function nameProblem(network: string): readonly PathProblem[] {
  const at = (message: string): readonly PathProblem[] => [{ path: ['networks', network], part: 'key', message }]
  if (RESERVED.includes(network)) return at(`"${network}" is a name the lab itself answers to: choose another`)
  return isName(network)
    ? []
    : at(`"${network}" is not a network name: use a-z, 0-9 and -, at most 63 characters, no - at the ends`)
}

function subnetProblems(
  file: Readonly<Record<string, unknown>>,
  members: ReadonlyMap<string, readonly string[]>,
): readonly PathProblem[] {
  const before: { readonly what: string; readonly subnet: string }[] = []
  const own = file['subnet']
  if (isSubnet(own)) before.push({ what: "the lab's own subnet", subnet: own })
  return Object.entries(recordOf(file['networks'])).flatMap(([network, entry]): readonly PathProblem[] => {
    const { subnet } = recordOf(entry)
    if (!isSubnet(subnet)) return []
    const at = (message: string): readonly PathProblem[] => [
      { path: ['networks', network, 'subnet'], part: 'value', message },
    ]
    const other = before.find((each) => overlaps(each.subnet, subnet))
    before.push({ what: `the network ${network}`, subnet })
    if (other !== undefined) return at(`${subnet} overlaps ${other.subnet} of ${other.what}`)
    const [room, count] = [cidrCapacity(subnet), members.get(network)?.length ?? 0]
    return count <= room ? [] : at(`${subnet} holds ${String(room)} nodes, and ${String(count)} are on ${network}`)
  })
}

function memberProblems(networks: readonly unknown[], index: number, known: readonly string[]): readonly PathProblem[] {
  return networks.flatMap((network, position): readonly PathProblem[] => {
    if (typeof network !== 'string') return []
    const at = (message: string): readonly PathProblem[] => [
      { path: ['nodes', index, 'networks', position], part: 'value', message },
    ]
    if (networks.indexOf(network) < position) return at(`"${network}" is listed twice`)
    if (known.includes(network)) return []
    const near = nearest(network, known)
    if (near !== undefined) return at(`there is no network "${network}": did you mean "${near}"?`)
    return at(`there is no network "${network}": name it in "networks" of the file (networks: { ${network}: {} })`)
  })
}

function networksOf(file: Readonly<Record<string, unknown>>, index: number): readonly unknown[] {
  const networks = recordOf((file['nodes'] as readonly unknown[] | undefined)?.[index])['networks']
  return Array.isArray(networks) ? networks : []
}

function isSubnet(value: unknown): value is string {
  return typeof value === 'string' && value !== 'auto' && cidrProblem(value) === undefined
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
