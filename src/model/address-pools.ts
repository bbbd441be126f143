import { chooseFree } from './addresses.ts'
import { LabError } from './errors.ts'

/** Address ranges a lab uses inside its nodes. They stay clear of every network of the host. */
export interface AddressPools {
  /** A /16 the swarm takes overlay networks from. */
  readonly overlayPool: string
  /** The lab's overlay, the last /20 of the pool: 4094 addresses. The swarm itself takes /24s from the pool's start. */
  readonly overlaySubnet: string
  /** Address of `docker0` on every node, with its prefix. */
  readonly bridgeAddress: string
  /** A /16 nested engines take local networks from; `docker0` is its first /24. */
  readonly bridgePool: string
}

/** Second octets of `10.x.0.0/16`, high ones first: rarely used by companies and homes. */
const CANDIDATES = Array.from({ length: 150 }, (_, index) => `10.${String(239 - index)}.0.0/16`)

/** Chooses pools clear of `taken`. `overlayPool` is kept when it exists already, whatever it overlaps. */
export function choosePools(taken: readonly string[], overlayPool?: string): AddressPools {
  const free = (used: readonly string[]) => {
    const found = chooseFree(CANDIDATES, used)
    if (found === undefined)
      throw new LabError('NO_FREE_SUBNET', "no free /16 in 10.0.0.0/8 for the nodes' own networks", {
        hint: 'lab doctor',
      })
    return found
  }
  const overlay = overlayPool ?? free(taken)
  const bridge = free([...taken, overlay])
  return {
    overlayPool: overlay,
    overlaySubnet: overlay.replace(/0\.0\/16$/, '240.0/20'),
    bridgeAddress: bridge.replace(/0\/16$/, '1/24'),
    bridgePool: bridge,
  }
}
