import { nodeHealth, type NodeHealth } from '../facts/node-health.ts'
import { nodeUse, type NodeUse } from '../facts/node-use.ts'
import { LabError } from '../model/errors.ts'
import { LABELS, NODE_PATHS } from '../model/names.ts'
import type { Machine } from '../model/provider.ts'
import type { SwarmNode } from '../swarm/nodes.ts'
import { lookMs, within } from './glance.ts'
import type { OpenLab } from './open-lab.ts'

/** What is wrong with a node, in a person's words, and what to type. */
export interface NodeTrouble {
  readonly node: string
  readonly text: string
  readonly hint?: string | undefined
}

/** What is known of a node at one moment. */
export interface NodeView {
  readonly name: string
  readonly machine: Machine | undefined
  /** Why it cannot be asked. */
  readonly silence?: { readonly text: string; readonly hint: string | undefined } | undefined
  readonly health?: NodeHealth | undefined
  /** What it takes of what it may take; of nodes with limits. */
  readonly use?: NodeUse | undefined
  /** By how much its clock is ahead of this host's, in ms. */
  readonly aheadMs?: number | undefined
}

/** Longest a node may take to say how it is. */
const LOOK_MS = 2500
/** Certificates and logs of nodes whose clocks differ by more than this stop to fit. */
const CLOCK_MS = 2000
/** Below this, and below one percent, a filesystem is full. */
const LEAST_FREE_BYTES = 64 * 2 ** 20

/** Looks at every node of the lab at once. Opened by {@link glance}, what is dead costs a second. */
export async function viewNodes(lab: OpenLab): Promise<readonly NodeView[]> {
  const machines = await lab.machines()
  return Promise.all(
    lab.spec.nodes.map(async ({ name, memoryBytes, cpus }): Promise<NodeView> => {
      const machine = machines.find((each) => each.name === name)
      const known = { name, machine }
      if (machine?.state !== 'running' || machine.paused === true) return known
      try {
        const limited = memoryBytes !== undefined || cpus !== undefined
        const [health, use] = await Promise.all([askHealth(lab, name), limited ? askUse(lab, name) : undefined])
        return { ...known, ...health, use }
      } catch (error) {
        lab.signal.throwIfAborted()
        const text = error instanceof Error ? error.message : String(error)
        const hint = (await lab.provider.silence?.(name))?.hint
        return { ...known, silence: { text, hint: hint ?? (error instanceof LabError ? error.hint : undefined) } }
      }
    }),
  )
}

async function askHealth(lab: OpenLab, name: string): Promise<Pick<NodeView, 'health' | 'aheadMs'>> {
  const connection = await lab.connect(name)
  const before = Date.now()
  const said = await within(lookMs(LOOK_MS, lab.spec.nodes.length), lab.signal, (signal) =>
    connection.exec({ argv: ['sh', '-c', nodeHealth.script] }, { signal }),
  )
  const health = nodeHealth.parse(said)
  const after = Date.now()
  // What the question took on its way is not known, so the clock counts as right where it can be.
  const aheadMs = health.timeMs > after ? health.timeMs - after : health.timeMs < before ? health.timeMs - before : 0
  return { health, aheadMs }
}

/** What a node uses; undefined where it does not say, which is no trouble. */
async function askUse(lab: OpenLab, name: string): Promise<NodeUse | undefined> {
  const connection = await lab.connect(name)
  try {
    return nodeUse.parse(
      await within(LOOK_MS, lab.signal, (signal) =>
        connection.exec({ argv: ['sh', '-c', nodeUse.script], timeoutMs: LOOK_MS }, { signal }),
      ),
    )
  } catch {
    lab.signal.throwIfAborted()
    return undefined
  }
}

/** Pure: what is wrong with a node. `members` is what the swarm says; undefined where no manager answers. */
export function nodeTroubles(view: NodeView, members: readonly SwarmNode[] | undefined): readonly NodeTrouble[] {
  const { name, machine, silence, health } = view
  const trouble = (text: string, hint?: string) => ({ node: name, text: `${name} ${text}`, hint })
  if (machine === undefined) return [trouble('does not exist yet', 'lab up')]
  if (machine.state !== 'running') return [trouble('is off', `lab node start ${name}`)]
  if (machine.paused === true) {
    return [trouble('is paused: it stands still with all it holds, and answers nobody', `lab node heal ${name}`)]
  }
  if (silence !== undefined) {
    return [{ node: name, text: `${name} runs and does not answer: ${silence.text}`, hint: silence.hint }]
  }
  return [...(health === undefined ? [] : healthTroubles(view, health)), ...memberTroubles(name, members, health)]
}

function healthTroubles({ name, aheadMs = 0 }: NodeView, health: NodeHealth): readonly NodeTrouble[] {
  const found: NodeTrouble[] = []
  const add = (text: string, hint?: string) => found.push({ node: name, text, hint })
  const { cutOffFrom, engine, disks } = health
  if (cutOffFrom.length > 0) add(`${name} is cut off from ${cutOffFrom.join(', ')}`, `lab node heal ${name}`)
  if (engine !== 'active') add(`the engine of ${name} does not run (${engine})`, 'lab up')
  for (const { path, availableBytes, totalBytes } of disks) {
    if (availableBytes >= LEAST_FREE_BYTES && availableBytes >= totalBytes / 100) continue
    const left = `${String(Math.floor(availableBytes / 2 ** 20))} MiB left`
    if (path === NODE_PATHS.pool) {
      const room = `delete files or snapshots, or: lab volume move --evacuate ${name}`
      add(`the pool of volumes on ${name} is full: ${left}, and what is written to them fails`, room)
    } else add(`the disk of ${name} is full: ${left} below ${path}`, `make room: lab ssh ${name}`)
  }
  if (Math.abs(aheadMs) > CLOCK_MS) {
    const far = `${(Math.abs(aheadMs) / 1000).toFixed(0)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this host's`
    add(`the clock of ${name} is ${far}: certificates and logs go wrong`, `lab ssh ${name}, then: timedatectl`)
  }
  return found
}

function memberTroubles(
  name: string,
  members: readonly SwarmNode[] | undefined,
  health: NodeHealth | undefined,
): readonly NodeTrouble[] {
  if (members === undefined) return []
  const same = members.filter((member) => member.name === name)
  const member = same.find(({ state }) => state === 'ready') ?? same[0]
  if (member === undefined) return [{ node: name, text: `${name} is not in the swarm`, hint: 'lab up' }]
  const drained = LABELS.drained in member.labels
  if (drained) {
    return [{ node: name, text: `${name} is drained: it gets no apps`, hint: `lab node activate ${name}` }]
  }
  // Why it is so stands there already.
  const explained = health !== undefined && (health.cutOffFrom.length > 0 || health.engine !== 'active')
  if (member.state === 'ready' || explained) return []
  return [{ node: name, text: `the swarm has lost sight of ${name} (${member.state})`, hint: 'lab up' }]
}

/** Pure: what is wrong with the managers together. */
export function managerTroubles(
  managers: readonly string[],
  members: readonly SwarmNode[] | undefined,
): readonly string[] {
  if (members !== undefined) {
    const listed = members.filter(({ role }) => role === 'manager')
    const lost = listed.filter(({ state }) => state !== 'ready')
    const spare = Math.floor((listed.length - 1) / 2) - lost.length
    if (lost.length === 0 || spare > 0) return []
    return [
      `one more manager lost and nothing can be deployed or moved: ${lost.map(({ name }) => name).join(', ')} is away`,
    ]
  }
  if (managers.length < 2) return []
  return ['more than half of the managers are away: what runs goes on, and nothing can be deployed, scaled or moved']
}
