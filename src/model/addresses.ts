/** An IPv4 network: its first address as a number, and the length of its prefix. */
export interface Cidr {
  readonly base: number
  readonly prefix: number
}

/** `10.90.3.0/24` as numbers, host bits cleared; undefined when it is not an IPv4 network. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^(.+)\/(\d{1,2})$/.exec(text)
  const address = match?.[1] === undefined ? undefined : parseAddress(match[1])
  const prefix = Number(match?.[2])
  if (address === undefined || !(prefix >= 0 && prefix <= 32)) return undefined
  return { base: Math.floor(address / size(prefix)) * size(prefix), prefix }
}

/** An IPv4 address as a number; undefined when it is not one. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255))
    return undefined
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0)
}

/** A number as dotted IPv4. */
export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => String(Math.floor(address / 2 ** shift) % 256)).join('.')
}

/** Whether two IPv4 networks share an address. Text that is no IPv4 network (IPv6, say) overlaps nothing. */
export function overlaps(a: string, b: string): boolean {
  const first = parseCidr(a)
  const second = parseCidr(b)
  if (first === undefined || second === undefined) return false
  return first.base < second.base + size(second.prefix) && second.base < first.base + size(first.prefix)
}

/** Whether an address lies in a network. */
export function isIpInSubnet(address: string, subnet: string): boolean {
  return overlaps(`${address}/32`, subnet)
}

/** The n-th address of a network, counted from its base. Throws `RangeError` past its end. */
export function nthAddress(subnet: string, n: number): string {
  const cidr = parseCidr(subnet)
  if (cidr === undefined || n < 0 || n >= size(cidr.prefix)) {
    throw new RangeError(`${subnet} has no address number ${String(n)}`)
  }
  return formatAddress(cidr.base + n)
}

/** The lowest address of a host in a network: the one before is the gateway's. */
export const FIRST_ADDRESS = 2
/** Number of the address, in the lab's own network, of its way in from the host; no node has it. */
export const FRONT_ADDRESS = 2

/**
 * The first address of a network that is not among `taken`, from the n-th on; past the end, from the lowest on. Throws
 * `RangeError` where there is none.
 */
export function freeAddress(subnet: string, taken: ReadonlySet<string>, first = FIRST_ADDRESS): string {
  const last = size(parseCidr(subnet)?.prefix ?? 32) - 2
  for (let number = Math.min(first, last); number <= last; number++) {
    if (!taken.has(nthAddress(subnet, number))) return nthAddress(subnet, number)
  }
  if (first <= FIRST_ADDRESS) throw new RangeError(`${subnet} has no address left`)
  return freeAddress(subnet, taken)
}

/** The first of `candidates` that overlaps none of `taken`; undefined when all do. */
export function chooseFree(candidates: readonly string[], taken: readonly string[]): string | undefined {
  return candidates.find((candidate) => !taken.some((subnet) => overlaps(candidate, subnet)))
}

function size(prefix: number): number {
  return 2 ** (32 - prefix)
}
