import type { LinkConditions } from '../model/links.ts'
import { FactUnavailable, type FactQuery } from '../model/step.ts'
import { SECTION, sections } from '../shell/sections.ts'

/** Handle of the queueing discipline that lab puts on a device: what has another is not lab's. */
export const LINKS_HANDLE = '1ab:'

const QUERY = `command -v tc >/dev/null || exit 0
disciplines=$(tc -j qdisc show) || exit
printf '%s\\n' "$disciplines"
case $disciplines in *'"${LINKS_HANDLE}"'*) ;; *) exit 0 ;; esac
for device in $(tc qdisc show | awk '$2 == "htb" && $3 == "${LINKS_HANDLE}" { print $5 }'); do
  echo; echo ${SECTION}
  tc -j class show dev "$device"
  echo; echo ${SECTION}
  tc -j filter show dev "$device"
done
exit 0`

interface Qdisc {
  readonly kind: string
  readonly parent?: string
  readonly options?: { readonly delay?: { readonly delay: number }; readonly 'loss-random'?: { readonly loss: number } }
}
interface TrafficClass {
  readonly handle: string
  readonly rate: number
}
interface Filter {
  readonly options?: { readonly flowid?: string; readonly match?: { readonly value?: string; readonly mask?: string } }
}

/** Bits a second that stand for no limit: a class must have a rate, if only a leaf of it is wanted. */
export const UNLIMITED_BITS = 1e11

/** Conditions that lab has put on what the machine sends, by address it is sent to. */
export const shapedLinks: FactQuery<ReadonlyMap<string, LinkConditions>> = {
  key: 'shaped-links',
  script: QUERY,
  parse({ status, stdout, stderr }) {
    if (status !== 0) throw new FactUnavailable(`tc: ${stderr.trim()}`)
    const [qdiscs = [], ...devices] = sections(stdout).map((lines) =>
      lines.length === 0 ? [] : (JSON.parse(lines.join('')) as readonly object[]),
    )
    const found = new Map<string, LinkConditions>()
    for (let index = 0; index < devices.length; index += 2) {
      const classes = (devices[index] ?? []) as readonly TrafficClass[]
      for (const { options } of (devices[index + 1] ?? []) as readonly Filter[]) {
        const address = addressOf(options?.match)
        const shaped = classes.find(({ handle }) => handle === options?.flowid)
        if (address === undefined || shaped === undefined) continue
        found.set(address, conditionsOf(shaped, qdiscs as readonly Qdisc[]))
      }
    }
    return found
  },
}

function conditionsOf({ handle, rate }: TrafficClass, qdiscs: readonly Qdisc[]): LinkConditions {
  const leaf = qdiscs.find(({ kind, parent }) => kind === 'netem' && parent === handle)?.options
  const [delay, loss] = [leaf?.delay?.delay ?? 0, leaf?.['loss-random']?.loss ?? 0]
  return {
    ...(rate * 8 >= UNLIMITED_BITS ? {} : { rateBits: rate * 8 }),
    // Seconds and shares, as binary fractions.
    ...(delay === 0 ? {} : { delayMs: Math.round(delay * 1e6) / 1000 }),
    ...(loss === 0 ? {} : { lossPercent: Math.round(loss * 1e5) / 1000 }),
  }
}

/** `a000001` is 10.0.0.1; undefined for what is no match of one whole address. */
function addressOf(match: { readonly value?: string; readonly mask?: string } | undefined): string | undefined {
  if (match?.value === undefined || match.mask !== 'ffffffff') return undefined
  const bytes = match.value.padStart(8, '0').match(/../g) ?? []
  return bytes.map((byte) => String(Number.parseInt(byte, 16))).join('.')
}
