import { createHash } from 'node:crypto'
import { pathState, type PathState } from '../facts/path.ts'
import { LINKS_HANDLE, shapedLinks, UNLIMITED_BITS } from '../facts/shaped-links.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { conditionsText, type LinkConditions } from '../model/links.ts'
import { NODE_PATHS } from '../model/names.ts'
import type { Change } from '../model/step.ts'

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

const UNIT_NAME = 'lab-links.service'
/** What makes the conditions; the kernel forgets them at a boot, and systemd runs it again. */
const SCRIPT = `${NODE_PATHS.etc}/links`
const UNIT = `/etc/systemd/system/${UNIT_NAME}`
const ENABLED = `/etc/systemd/system/multi-user.target.wants/${UNIT_NAME}`

/**
 * A slow or lossy network: conditions of what the machine sends to some addresses, now and after every boot.
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
  facts: () => ({
    found: shapedLinks,
    script: pathState(SCRIPT),
    unit: pathState(UNIT),
    enabled: pathState(ENABLED),
  }),
  diff({ links }, { found, ...kept }) {
    const gone = [...found.keys()].filter((address) => !links.some((link) => link.address === address))
    return [
      ...links.flatMap((link) => {
        const present = found.get(link.address)
        const [from, to] = [present && conditionsText(present), conditionsText(link)]
        return from === to ? [] : [{ path: link.address, from, to }]
      }),
      ...gone.map((address) => ({ path: address, from: conditionsText(found.get(address) ?? {}), to: undefined })),
      ...keptChanges(links, kept),
    ]
  },
  apply({ links }) {
    if (links.length === 0) return [{ argv: ['sh', '-c', FORGET, 'links'] }]
    return [{ argv: ['sh', '-c', KEEP, 'links', UNIT_TEXT], stdin: scriptText(links) }]
  },
  selfContained: true,
  files: () => [SCRIPT, UNIT],
})

/** Whether the next boot makes the same conditions. */
function keptChanges(
  links: readonly ShapedLink[],
  { script, unit, enabled }: Readonly<Record<'script' | 'unit' | 'enabled', PathState>>,
): readonly Change[] {
  if (links.length === 0) {
    const left = [script, unit, enabled].every(({ type }) => type === 'absent')
    return left ? [] : [{ path: SCRIPT, from: 'kept for the next boot', to: undefined }]
  }
  const kept =
    script.digest === sha256(scriptText(links)) &&
    script.mode === 0o755 &&
    unit.digest === sha256(UNIT_TEXT) &&
    enabled.type === 'symlink'
  return kept ? [] : [{ path: SCRIPT, from: undefined, to: 'kept for the next boot' }]
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

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

const REMOVE = `for device in $(tc qdisc show | awk '$2 == "htb" && $3 == "${LINKS_HANDLE}" { print $5 }'); do
  tc qdisc del dev "$device" root || exit
done`

/**
 * Reads "ADDRESS BITS DELAY LOSS" a line. A class an address, of a discipline that lets everything else pass; netem below
 * where packets are to be late or lost. What fails half-way leaves nothing.
 */
const scriptText = (links: readonly ShapedLink[]) => `#!/bin/sh
# What is sent to some addresses is slow or lossy. Written by lab.
set -u
remove() {
${REMOVE}
}
remove
[ "$1" = start ] || exit 0
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
done <<'LINKS'
${links.map(lineOf).join('\n')}
LINKS
`

function lineOf({ address, rateBits = UNLIMITED_BITS, delayMs = 0, lossPercent = 0 }: ShapedLink): string {
  return [address, rateBits, delayMs, lossPercent].map(String).join(' ')
}

// At a boot the engine first finds the others, at full speed as when the lab was made; its deadlines there are short. An
// interface with a new name still has its conditions, but the script could not find one that is renamed under its hands.
const UNIT_TEXT = `[Unit]
Description=The network towards other nodes as lab.yml wants it
Wants=network-online.target
After=network-online.target lab-networks.service docker.service lab-rejoin.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${SCRIPT} start
ExecStop=${SCRIPT} stop

[Install]
WantedBy=multi-user.target
`

const GONE = `systemctl disable --now --quiet ${UNIT_NAME} 2>/dev/null
rm -f -- ${SCRIPT} ${UNIT} ${ENABLED}
systemctl daemon-reload
systemctl reset-failed ${UNIT_NAME} 2>/dev/null`

/** Conditions that were made without the unit go as well. */
const FORGET = `set -u
${GONE}
${REMOVE}`

// Started by systemd, so that it never runs twice at once: a machine that boots may be about to run it.
const KEEP = `set -u
umask 022
write() {
  mkdir -p -- "\${1%/*}" && rm -rf -- "$1.lab-new" && cat >"$1.lab-new" && chmod "$2" "$1.lab-new" && mv -fT -- "$1.lab-new" "$1"
}
write ${SCRIPT} 0755 || exit
printf %s "$1" | write ${UNIT} 0644 || exit
systemctl daemon-reload || exit
systemctl enable --quiet ${UNIT_NAME} || exit
systemctl reset-failed ${UNIT_NAME} 2>/dev/null
systemctl restart ${UNIT_NAME} && exit
journalctl --sync
journalctl --quiet --output=cat --no-pager --lines=15 "_SYSTEMD_INVOCATION_ID=$(systemctl show --property=InvocationID --value ${UNIT_NAME})" >&2
${GONE}
exit 1`
