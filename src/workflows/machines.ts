import pLimit from 'p-limit'
import { LabError } from '../model/errors.ts'
import type { NodeSpec } from '../model/lab-spec.ts'
import type { LabNetwork, Machine } from '../model/provider.ts'
import { waitFor } from '../model/wait.ts'
import { hostKey, STATE_FILES } from '../secrets/lab-secrets.ts'
import { awaitAnswer, awaitBoot, BOOT_DEADLINE_MS } from './await-answer.ts'
import { openFront } from './front.ts'
import { noteHosts } from './held-hosts.ts'
import { machineRequest, specDigest } from './machine-request.ts'
import { adjustLimits } from './limits.ts'
import { adjustNetworks, warnOfNetworks } from './networks.ts'
import { cutOff, readPartition } from './partition.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** Nodes that start at once. More only fight for the processor: a boot is a few seconds of pure CPU. */
export const STARTS_AT_ONCE = 8
/** Longest an SSH server may go on with the keys it had before it was given others. */
const NEW_KEYS_MS = 10_000
/** What a node says that has other keys than the lab's. */
const RESTORABLE: ReadonlySet<string> = new Set(['HOST_KEY_CHANGED', 'ACCESS_DENIED'])

/** What became of the machines. */
export interface EnsuredMachines {
  /** Names of those that were created or started. */
  readonly changed: readonly string[]
  /** Why machines cannot be worked on, by name: they do not start, or do not answer. */
  readonly unreachable: ReadonlyMap<string, LabError>
}

/**
 * Creates machines that are missing, starts those that are stopped, and waits until SSH answers on each. One that exists
 * and cannot be had does not keep the others from being worked on. A machine gets the address that a `former` one of its
 * name had.
 */
export async function ensureMachines(open: OpenLab, former: readonly Machine[] = []): Promise<EnsuredMachines> {
  const { provider, spec } = open
  const network = await provider.network(true)
  if (network === undefined)
    throw new LabError('NO_NETWORK', "the lab's network could not be created", { hint: 'lab doctor' })
  const names = spec.nodes.map(({ name }) => name)
  // Before the first is taken over; which hosts they are, once they are the lab's.
  if (spec.provider === 'ssh') await noteHosts(open.state, names)
  const found = await open.machines()
  const joined = await adjustNetworks(open, found, network)
  const machines = joined.length === 0 ? found : await open.machines()
  const stateOf = (name: string) => machines.find((machine) => machine.name === name)?.state ?? 'missing'
  const limit = pLimit(STARTS_AT_ONCE)
  const unreachable = new Map<string, LabError>()
  const changed = spec.nodes.filter((node) => stateOf(node.name) !== 'running').map((node) => node.name)
  await Promise.all(
    spec.nodes.map((node) =>
      limit(async () => {
        const state = stateOf(node.name)
        if (state === 'running') return
        const request = await machineRequest(open, node, network, [...former, ...machines])
        const bring = () =>
          runTask(
            open.emit,
            `${state === 'missing' ? 'create' : 'start'} ${node.name}`,
            async (task) => {
              if (state === 'missing') await provider.create(request, open.signal)
              else await provider.start(node.name, open.signal)
              task.detail(request.address)
            },
            { node: node.name },
          )
        // Without a machine that was never made the site would be another one: that ends the run.
        if (state === 'missing') await bring()
        else await unlessUnreachable(open, unreachable, node.name, bring)
      }),
    ),
  )
  if (changed.length > 0) open.refresh()
  const waits = Promise.all(
    spec.nodes
      .filter(({ name }) => !unreachable.has(name))
      .map((node) => {
        const wait = async () => {
          await reach(open, node, network, !changed.includes(node.name))
          await refuseCutOff(open, node.name)
          if (stateOf(node.name) === 'stopped') await waitForBoot(open, node.name)
        }
        const named = () => runTask(open.emit, `wait for ${node.name}`, wait, { node: node.name })
        return unlessUnreachable(open, unreachable, node.name, changed.includes(node.name) ? named : wait)
      }),
  )
  // The way to the edges needs their addresses and nothing of what runs on them.
  const ended = await Promise.allSettled([waits, openFront(open)])
  for (const each of ended) if (each.status === 'rejected') throw each.reason
  await adjustLimits(open, (name) => stateOf(name) !== 'missing')
  await writeKnownHosts(open)
  const present = await open.machines()
  if (spec.provider === 'ssh') await noteHosts(open.state, names, present)
  warnOfDifferences(open, present)
  return { changed, unreachable }
}

/**
 * Waits until SSH answers on machines that were just started; with `booted`, until they also have started what they start
 * at boot: those that were set up before.
 */
export async function waitForMachines(
  open: OpenLab,
  names: readonly string[],
  { booted }: { readonly booted: boolean },
): Promise<void> {
  const network = names.length === 0 ? undefined : await open.provider.network(false)
  if (network === undefined) return
  await Promise.all(
    open.spec.nodes.map(async (node) => {
      if (!names.includes(node.name)) return
      const wait = async () => {
        await reach(open, node, network, false)
        if (booted) await waitForBoot(open, node.name)
      }
      await runTask(open.emit, `wait for ${node.name}`, wait, { node: node.name })
    }),
  )
}

/** A node that `lab node partition` cut off stays so until somebody says otherwise, and cannot be worked on meanwhile. */
async function refuseCutOff(open: OpenLab, node: string): Promise<void> {
  const from = await readPartition(await open.connect(node))
  if (from.length > 0) throw cutOff(node, from)
}

/** Codes of what is wrong with one machine and no other. */
const OF_ONE_MACHINE: ReadonlySet<string> = new Set(['UNREACHABLE', 'START_FAILED'])

/** Does something with one machine; where that machine cannot be had, notes why, for the executor to report. */
async function unlessUnreachable(
  open: OpenLab,
  unreachable: Map<string, LabError>,
  node: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    open.signal.throwIfAborted()
    if (!(error instanceof LabError) || !OF_ONE_MACHINE.has(error.code)) throw error
    unreachable.set(node, error)
  }
}

/** Connects; a node whose keys are not the lab's (its `.lab/` was lost) is given them through the provider, once. */
async function reach(open: OpenLab, node: NodeSpec, network: LabNetwork, wasRunning: boolean): Promise<void> {
  try {
    if (wasRunning) await awaitAnswer(open, node.name)
    else await awaitBoot(open, node.name)
  } catch (error) {
    open.signal.throwIfAborted()
    if (!(error instanceof LabError) || !RESTORABLE.has(error.code)) throw error
    await runTask(open.emit, `give ${node.name} the lab's keys again`, async () => {
      await open.provider.restoreAccess(await machineRequest(open, node, network, await open.machines()))
      await connectWithNewKeys(open, node.name)
    })
  }
}

/** Connects to a node that was just given its keys: its SSH server goes on with the ones before for a moment. */
async function connectWithNewKeys(open: OpenLab, name: string): Promise<void> {
  const end = performance.now() + NEW_KEYS_MS
  const connect = async () => {
    try {
      return await open.connect(name, { bootDeadlineMs: BOOT_DEADLINE_MS })
    } catch (error) {
      const old = error instanceof LabError && RESTORABLE.has(error.code)
      if (!old || performance.now() > end) throw error
      return undefined
    }
  }
  await waitFor(connect, { deadlineMs: 2 * BOOT_DEADLINE_MS, what: `${name} to use its keys`, signal: open.signal })
}

/** Waits until a machine has started what it starts at boot: what is still on its way is no fault to repair. */
async function waitForBoot(open: OpenLab, name: string): Promise<void> {
  const connection = await open.connect(name)
  // Its status says how the boot ended; what did not start is for the playbooks to find.
  const argv = ['timeout', String(BOOT_DEADLINE_MS / 1000), 'systemctl', 'is-system-running', '--wait']
  await connection.exec({ argv }, { signal: open.signal })
}

/** Says where machines differ from lab.yml in what only a new machine can mend. */
function warnOfDifferences(open: OpenLab, machines: readonly Machine[]): void {
  warnOfNetworks(open, machines)
  for (const machine of machines) {
    const node = open.spec.nodes.find(({ name }) => name === machine.name)
    if (node === undefined) {
      open.emit({
        type: 'notice',
        level: 'warning',
        message: `${machine.name} exists but is not in lab.yml; it is left as it is ("lab up --yes" moves its volumes off and removes it)`,
      })
    } else if (
      open.provider.limits === undefined &&
      machine.specDigest !== undefined &&
      machine.specDigest !== specDigest(node, open.spec.provider)
    ) {
      open.emit({
        type: 'notice',
        level: 'warning',
        message: `${machine.name} was created with other limits or roles than lab.yml has now; they apply after "lab node replace ${machine.name}" (or, for the only manager, lab destroy and lab up)`,
      })
    }
  }
}

/** `known_hosts` for OpenSSH, so that plain ssh and scp work with the lab's configuration. */
export async function writeKnownHosts(open: OpenLab): Promise<void> {
  const lines: string[] = []
  for (const machine of await open.machines()) {
    if (machine.ssh === undefined) continue
    const publicKey = machine.hostKey ?? (await hostKey(open.state, machine.name)).publicKey
    const [type = '', key = ''] = publicKey.split(' ')
    lines.push(`[${machine.ssh.host}]:${String(machine.ssh.port)} ${type} ${key}`)
  }
  const text = `${lines.join('\n')}\n`
  if ((await open.state.read(STATE_FILES.knownHosts)) !== text) await open.state.write(STATE_FILES.knownHosts, text)
}
