import pLimit from 'p-limit'
import { keptSwarm } from '../facts/kept-swarm.ts'
import { LabError } from '../model/errors.ts'
import { nodesWithRole, type NodeSpec } from '../model/lab-spec.ts'
import { waitFor } from '../model/wait.ts'
import { liveChanges, stoppedNodes, type LiveChange } from './live-changes.ts'
import { STARTS_AT_ONCE, waitForMachines } from './machines.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** Longest that managers which just booted may take to have one that leads. */
const LEAD_MS = 30_000

/** What a changed lab.yml asks of a lab, and which machines were started to find it out. */
export interface JudgedChange extends LiveChange {
  readonly started: readonly string[]
}

/**
 * Holds lab.yml against the lab; where nobody could be asked because machines are off, starts those of lab.yml that exist
 * and asks again, before anything is made, changed or removed. Throws as `liveChanges` does.
 */
export async function judgeStarted(open: OpenLab): Promise<JudgedChange> {
  const change = await liveChanges(open)
  if (!change.inTheDark || open.provider.powerless === true) return { ...change, started: [] }
  const started = stoppedNodes(open.spec, await open.machines())
  await startMachines(open, started)
  await awaitManager(open)
  return { ...(await liveChanges(open)), started }
}

/**
 * Starts machines that are off, also of nodes that lab.yml no longer has, and waits until they have booted. One that does
 * not start is left: whatever needs it says so.
 */
export async function startMachines(open: OpenLab, names: readonly string[]): Promise<void> {
  const machines = await open.machines()
  const off = names.filter((name) => machines.some((machine) => machine.name === name && machine.state === 'stopped'))
  const lab = { ...open, spec: { ...open.spec, nodes: [...open.spec.nodes, ...off.filter(isNew(open)).map(former)] } }
  const limit = pLimit(STARTS_AT_ONCE)
  const start = async (name: string) => {
    const power = () => open.provider.start(name, open.signal)
    await limit(() => runTask(open.emit, `start ${name}`, power, { node: name }))
    open.refresh()
    await waitForMachines(lab, [name], { booted: true })
  }
  for (const each of await Promise.allSettled(off.map(start))) {
    if (each.status === 'fulfilled') continue
    open.signal.throwIfAborted()
    if (!(each.reason instanceof LabError)) throw each.reason
  }
}

function isNew({ spec }: OpenLab): (name: string) => boolean {
  return (name) => !spec.nodes.some((node) => node.name === name)
}

/** What is left to know of a node that lab.yml no longer has. */
function former(name: string): NodeSpec {
  return { name, roles: [], memoryBytes: undefined, cpus: undefined, vars: {} }
}

/** Waits until a manager answers, where one of lab.yml's has the swarm; one that stays silent is judged as before. */
async function awaitManager(open: OpenLab): Promise<void> {
  const keeps = await Promise.all(
    nodesWithRole(open.spec, 'manager').map(async ({ name }) => {
      try {
        return keptSwarm.parse(await (await open.connect(name)).script(keptSwarm.script)).keeps
      } catch (error) {
        return toleratedAs(open, error, false)
      }
    }),
  )
  if (!keeps.includes(true)) return
  const answers = () => open.manager().then(Boolean, (error: unknown) => toleratedAs(open, error, undefined))
  try {
    await waitFor(answers, { deadlineMs: LEAD_MS, what: 'a manager to answer', signal: open.signal })
  } catch (error) {
    toleratedAs(open, error, undefined)
  }
}

/** What an error of one machine comes to; every other one is thrown. */
function toleratedAs<T>(open: OpenLab, error: unknown, value: T): T {
  open.signal.throwIfAborted()
  if (!(error instanceof LabError)) throw error
  return value
}
