import { PARTITION_FILE } from '../facts/partition.ts'
import type { Connection } from '../model/connection.ts'
import { LabError, UsageError } from '../model/errors.ts'
import type { Machine } from '../model/provider.ts'
import { afterStart } from './after-start.ts'
import { BOOT_DEADLINE_MS } from './await-answer.ts'
import type { OpenLab } from './open-lab.ts'
import { readPartition } from './partition.ts'
import { runTask } from './task.ts'
import { checkNodeNames, withNodes } from './with-nodes.ts'

/** Longest that putting a few rules in place, or reading a file, may take. */
const RULES_MS = 20_000

// Before everything else that looks at packets, and for those that are passed on as well: containers of the node are cut
// off with it. Who reaches the node from outside the lab (SSH from this host) is none of its peers, and stays.
const CUT = `file=$1; names=$2; shift 2
iptables -w -t mangle -N lab-partition 2>/dev/null || iptables -w -t mangle -F lab-partition
mkdir -p "$(dirname "$file")"
printf '%s\\n' "$names" >"$file"
for peer; do
  iptables -w -t mangle -A lab-partition -s "$peer" -j DROP
  iptables -w -t mangle -A lab-partition -d "$peer" -j DROP
done
for chain in PREROUTING POSTROUTING; do
  iptables -w -t mangle -C "$chain" -j lab-partition 2>/dev/null || iptables -w -t mangle -I "$chain" -j lab-partition
done`

const MEND = `for chain in PREROUTING POSTROUTING; do
  while iptables -w -t mangle -D "$chain" -j lab-partition 2>/dev/null; do :; done
done
if iptables -w -t mangle -F lab-partition 2>/dev/null; then iptables -w -t mangle -X lab-partition; fi
rm -f "$1"`

/** Makes nodes stand still with all they hold: to the others they look dead, and know nothing of it afterwards. */
export async function pauseNodes(open: OpenLab, names: readonly string[]): Promise<void> {
  const { provider } = open
  if (provider.pause === undefined) {
    throw new UsageError(`machines of the provider "${provider.name}" cannot be paused`, {
      hint: `lab node partition ${names.join(' ')} cuts them off from the others`,
    })
  }
  await withNodes(open, {
    verb: 'pause',
    names,
    work: async (machineOf) => {
      const running = names.filter((name) => machineOf(name).state === 'running' && machineOf(name).paused !== true)
      for (const name of running) {
        await open.disconnect(name)
        await runTask(open.emit, `pause ${name}`, async () => provider.pause?.(name), { node: name })
      }
      if (running.length === 0) return `${names.join(', ')} did not run`
      return `paused ${running.join(', ')}; "lab node heal ${running.join(' ')}" lets it go on`
    },
  })
}

/**
 * Cuts nodes off from all others of the lab, or from those of `from`, in both directions. This host still reaches them.
 * What was cut before is forgotten: the last order counts.
 */
export async function partitionNodes(
  open: OpenLab,
  names: readonly string[],
  options: { readonly from?: readonly string[] } = {},
): Promise<void> {
  checkNodeNames(open, options.from ?? [])
  const both = names.find((name) => options.from?.includes(name))
  if (both !== undefined) throw new UsageError(`${both} cannot be cut off from itself`, { where: both })
  await withNodes(open, {
    verb: 'partition',
    names,
    work: async () => {
      const machines = await open.machines()
      for (const name of names) {
        const peers = machines.filter((peer) => peer.name !== name && (options.from?.includes(peer.name) ?? true))
        const cut = peers.map((peer) => peer.name)
        await runTask(
          open.emit,
          `cut ${name} off from ${cut.join(', ')}`,
          async () => cutFrom(await open.connect(name), peers),
          { node: name },
        )
      }
      const from = options.from === undefined ? 'all others' : options.from.join(', ')
      return `${names.join(', ')} is cut off from ${from}; "lab node heal ${names.join(' ')}" ends that`
    },
  })
}

/** Drops everything that a node and these peers send one another, containers too. What was cut before is forgotten. */
export async function cutFrom(connection: Connection, peers: readonly Machine[]): Promise<void> {
  const names = peers.map(({ name }) => name).join('\n')
  const addresses = peers.flatMap(({ address, networks }) => [address, ...Object.values(networks ?? {})])
  await runRules(connection, ['sh', '-euc', CUT, 'partition', PARTITION_FILE, names, ...addresses])
}

/** Lets a node and its peers reach one another again. */
export async function joinAgain(connection: Connection): Promise<void> {
  await runRules(connection, ['sh', '-euc', MEND, 'heal', PARTITION_FILE])
}

/** Ends every pause and every partition of nodes, and brings back what belongs on them. */
export async function healNodes(open: OpenLab, names: readonly string[]): Promise<void> {
  const all = (await open.machines()).map(({ name }) => name)
  const wanted = names.length > 0 ? names : open.spec.nodes.map(({ name }) => name).filter((name) => all.includes(name))
  await withNodes(open, {
    verb: 'heal',
    names: wanted,
    work: async (machineOf) => {
      const running = wanted.filter((name) => machineOf(name).state === 'running')
      const healed = await Promise.all(running.map(async (name) => ((await heal(open, machineOf(name))) ? [name] : [])))
      const changed = healed.flat()
      if (changed.length === 0) return `${wanted.join(', ')}: nothing to heal`
      await afterStart(open, changed)
      return `healed ${changed.join(', ')}`
    },
  })
}

/** Returns whether there was anything to heal. */
async function heal(open: OpenLab, machine: Machine): Promise<boolean> {
  const { name } = machine
  const paused = machine.paused === true
  if (paused) {
    await runTask(open.emit, `let ${name} go on`, async () => open.provider.resume?.(name), { node: name })
    open.refresh()
  }
  const connection = await open.connect(name, paused ? { bootDeadlineMs: BOOT_DEADLINE_MS } : {})
  const cut = await readPartition(connection)
  if (cut.length === 0) return paused
  await runTask(open.emit, `join ${name} with ${cut.join(', ')} again`, () => joinAgain(connection), { node: name })
  return true
}

async function runRules(connection: Connection, argv: readonly string[]): Promise<void> {
  const { status, stderr } = await connection.exec({ argv, timeoutMs: RULES_MS })
  if (status === 0) return
  throw new LabError('NODE_RULES', `the packet filter of ${connection.node} refuses: ${stderr.trim()}`, {
    where: connection.node,
    hint: `lab ssh ${connection.node}, then: iptables -t mangle -S`,
  })
}
