/** What is wrong with an IPv4 network for nodes, as a sentence; undefined when nothing is. */
export function cidrProblem(text: string): string | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)
  const parts = match?.slice(1).map(Number)
  const prefix = parts?.pop()
  if (parts === undefined || prefix === undefined || parts.some((part) => part > 255) || prefix > 32)
    return `"${text}" is not an IPv4 network: write it like 10.90.0.0/24, or auto`
  if (prefix < 8 || prefix > 29)
    return `/${String(prefix)} is ${prefix < 8 ? 'too large' : 'too small'} for a lab: use /8 to /29, like 10.90.0.0/24`
  const address = parts.reduce((value, part) => value * 256 + part, 0)
  const size = 2 ** (32 - prefix)
  if (address % size !== 0)
    return `${text} is an address inside a network: the network is ${dotted(address - (address % size))}/${String(prefix)}`
  return undefined
}

/** How many nodes a network holds: all its addresses but its own, the broadcast's and the gateway's. */
export function cidrCapacity(text: string): number {
  return 2 ** (32 - Number(text.split('/')[1])) - 3
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => String(Math.floor(address / 2 ** shift) % 256)).join('.')
}
