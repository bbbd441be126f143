import { LINKS_HANDLE, shapedLinks, UNLIMITED_BITS } from '../facts/shaped-links.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { conditionsText, type LinkConditions } from '../model/links.ts'

/** What a machine's network is like towards others. */
export interface LinkConditionsOptions {
  /** Every address with conditions of its own; towards all others there are none. `[]` takes all of them away. */
  readonly links: readonly ShapedLink[]
}

/** Conditions of what is sent to an address. */
export interface ShapedLink extends LinkConditions {
  /** An IPv4 address. */
  readonly address: string
  /** Time that each packet takes more, in milliseconds, one way. @default none */
  readonly delayMs?: number | undefined
  /** Share of the packets that are lost, in percent. @default none */
  readonly lossPercent?: number | undefined
  /** Most bits a second. @default no limit */
  readonly rateBits?: number | undefined
}

/**
 * A slow or lossy network: conditions of what the machine sends to some addresses. The kernel forgets them at a boot.
 * @example linkConditions({ links: [{ address: '10.90.3.12', rateBits: 10_000_000 }] })
 * @throws USAGE: an address or a figure cannot be.
 * @throws STEP_FAILED: this kernel cannot delay or lose packets; then there are no conditions at all.
 */
export const linkConditions = defineStep({
  kind: 'link-conditions',
  title: ({ links }: LinkConditionsOptions) =>
    links.length === 0
      ? 'a network without conditions'
      : `conditions of the network to ${String(links.length)} addresses`,
  validate({ links }) {
    for (const { address, ...conditions } of links) {
      if (!/^(\d{1,3}\.){3}\d{1,3}$/.test(address)) throw new UsageError(`"${address}" is not an IPv4 address`)
      checkConditions(address, conditions)
    }
    const twice = links.find(({ address }, index) => links.findIndex((each) => each.address === address) !== index)
    if (twice !== undefined) throw new UsageError(`${twice.address} is listed twice`)
  },
  facts: () => ({ found: shapedLinks }),
  diff({ links }, { found }) {
    const gone = [...found.keys()].filter((address) => !links.some((link) => link.address === address))
    return [
      ...links.flatMap((link) => {
        const present = found.get(link.address)
        const [from, to] = [present && conditionsText(present), conditionsText(link)]
        return from === to ? [] : [{ path: link.address, from, to }]
      }),
      ...gone.map((address) => ({ path: address, from: conditionsText(found.get(address) ?? {}), to: undefined })),
    ]
  },
  apply({ links }) {
    const lines = links.map(
      ({ address, rateBits = UNLIMITED_BITS, delayMs = 0, lossPercent = 0 }) =>
        `${address} ${String(rateBits)} ${String(delayMs)} ${String(lossPercent)}\n`,
    )
    return [{ argv: ['sh', '-c', SHAPE, 'shape'], stdin: lines.join('') }]
  },
  selfContained: true,
})

function checkConditions(address: string, { delayMs, lossPercent, rateBits }: LinkConditions): void {
  const bounds: readonly (readonly [string, number | undefined, number, number])[] = [
    ['delayMs', delayMs, 0.001, 60_000],
    ['lossPercent', lossPercent, 0.001, 100],
    ['rateBits', rateBits, 8000, UNLIMITED_BITS / 2],
  ]
  for (const [name, value, least, most] of bounds) {
    if (value === undefined || (value >= least && value <= most)) continue
    throw new UsageError(`${address}: ${name} is ${String(value)}, and may be from ${String(least)} to ${String(most)}`)
  }
  if (bounds.every(([, value]) => value === undefined)) throw new UsageError(`${address}: no condition is given`)
}

/**
 * Reads "ADDRESS BITS DELAY LOSS" a line. A class an address, of a discipline that lets everything else pass; netem below
 * where packets are to be late or lost. What fails half-way leaves nothing.
 */
const SHAPE = `set -u
remove() {
  for device in $(tc qdisc show | awk '$2 == "htb" && $3 == "${LINKS_HANDLE}" { print $5 }'); do
    tc qdisc del dev "$device" root || exit
  done
}
remove
number=0
while read -r address bits delay loss; do
  device=$(ip -o route get "$address" | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')
  [ -n "$device" ] || { echo "no way leads to $address" >&2; remove; exit 1; }
  number=$((number + 1))
  class=${LINKS_HANDLE}$(printf %x "$number")
  tc qdisc show dev "$device" root | grep -q ' ${LINKS_HANDLE} ' ||
    tc qdisc replace dev "$device" root handle ${LINKS_HANDLE} htb || { remove; exit 1; }
  tc class add dev "$device" parent ${LINKS_HANDLE} classid "$class" htb rate "$bits" quantum 60000 || { remove; exit 1; }
  if [ "$delay" != 0 ] || [ "$loss" != 0 ]; then
    tc qdisc add dev "$device" parent "$class" netem limit 100000 delay "\${delay}ms" loss "\${loss}%" || {
      echo 'this kernel cannot delay or lose packets (no netem): "modprobe sch_netem" on the host, or ask for a rate only' >&2
      remove
      exit 1
    }
  fi
  tc filter add dev "$device" parent ${LINKS_HANDLE} protocol ip prio 1 u32 match ip dst "$address/32" flowid "$class" ||
    { remove; exit 1; }
done`
