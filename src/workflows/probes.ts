import { openProbe, type Probe } from '../overlay/probe.ts'
import type { OpenLab } from './open-lab.ts'

/** Longest a node may take to show that it is there, before it is left out. */
const REACH_MS = 2500

/** Probes of the nodes that answer, and why the others do not. */
export interface Probes {
  readonly probes: readonly Probe[]
  readonly absent: readonly { readonly node: string; readonly reason: string }[]
}

/** Opens the probes of all nodes at once; a node that is off or dead is left out instead of waited for. */
export async function openProbes(lab: OpenLab): Promise<Probes> {
  const machines = await lab.machines()
  const found = await Promise.all(
    lab.spec.nodes.map(async ({ name }) => {
      const state = machines.find((machine) => machine.name === name)?.state ?? 'missing'
      if (state !== 'running') return { node: name, reason: state }
      try {
        return await within(REACH_MS, lab.signal, async (signal) => openProbe(await lab.connect(name), signal))
      } catch (error) {
        lab.signal.throwIfAborted()
        return { node: name, reason: error instanceof Error ? error.message : String(error) }
      }
    }),
  )
  return {
    probes: found.filter((each) => 'pid' in each),
    absent: found.filter((each) => 'reason' in each),
  }
}

/** Runs work with a deadline of its own; rejects when it passes, whether or not the work gives up by itself. */
export async function within<T>(
  deadlineMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.any([outer, AbortSignal.timeout(deadlineMs)])
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(outer.aborted ? toError(outer.reason) : new Error(`no answer within ${String(deadlineMs)} ms`))
    })
  })
  return Promise.race([work(signal), late])
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
