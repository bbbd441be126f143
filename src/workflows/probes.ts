import { LabError } from '../model/errors.ts'
import { openProbe, type Probe } from '../overlay/probe.ts'
import { drainedNow } from './drained.ts'
import { glance, within } from './glance.ts'
import type { OpenLab } from './open-lab.ts'

/** Longest a node may take to find its probe; a busy host stretches it. */
export const PROBE_MS = 3000

/** Probes of the nodes that answer, and why the others do not. */
export interface Probes {
  readonly probes: readonly Probe[]
  readonly absent: readonly { readonly node: string; readonly reason: string }[]
}

/** Opens the probes of all nodes at once; a node that is off or dead is left out instead of waited for. */
export async function openProbes(lab: OpenLab): Promise<Probes> {
  const machines = await lab.machines()
  const quick = glance(lab)
  const found = await Promise.all(
    lab.spec.nodes.map(async ({ name }) => {
      const state = machines.find((machine) => machine.name === name)?.state ?? 'missing'
      if (state !== 'running') return { node: name, reason: `it is ${state}` }
      try {
        return await within(PROBE_MS, lab.signal, async (signal) => openProbe(await quick.connect(name), signal))
      } catch (error) {
        lab.signal.throwIfAborted()
        const drained =
          error instanceof LabError && error.code === 'NO_PROBE' && (await drainedNow(quick)).includes(name)
        if (drained) return { node: name, reason: 'it is drained, and no container there can join the network' }
        return { node: name, reason: error instanceof Error ? error.message : String(error) }
      }
    }),
  )
  return {
    probes: found.filter((each) => 'pid' in each),
    absent: found.filter((each) => 'reason' in each),
  }
}
