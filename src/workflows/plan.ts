import type { LabError } from '../model/errors.ts'
import { bytesText } from '../model/bytes-text.ts'
import type { HostRecap } from '../model/events.ts'
import type { OpenLab } from './open-lab.ts'
import { limitChanges, limitsText } from './limits.ts'
import { planNetworks } from './networks.ts'
import { liveChanges } from './live-changes.ts'
import { convergeSite } from './up.ts'

/** What a plan found. */
export interface PlanResult {
  /** Changes that `up` would make, counting those that only may be needed. */
  readonly pending: number
  readonly failed: number
  /** Why hosts could not be asked. */
  readonly errors: readonly LabError[]
}

/**
 * What `up` would change. Nothing is changed by asking: machines are listed, and facts cannot change anything.
 * A machine that does not run is a change of its own; what is on it cannot be known before it does.
 */
export async function plan(open: OpenLab, options: { readonly diff: boolean }): Promise<PlanResult> {
  const started = performance.now()
  const { disks } = await liveChanges(open)
  const machines = await open.machines()
  const absent: Record<string, HostRecap> = {}
  for (const node of open.spec.nodes) {
    const state = machines.find((machine) => machine.name === node.name)?.state ?? 'missing'
    if (state === 'running') continue
    absent[node.name] = { ok: 0, changed: 1, maybe: 0, failed: 0, skipped: 0 }
    open.emit({
      type: 'step',
      node: node.name,
      play: 'Machines',
      kind: 'machine',
      title: `${state === 'missing' ? 'create' : 'start'} ${node.name}, then bring it up`,
      outcome: 'would-change',
      changes: [{ path: 'state', from: state, to: 'running' }],
      durationMs: 0,
    })
  }
  const limits = await limitChanges(open)
  for (const { node, from, to } of limits) {
    open.emit({
      type: 'step',
      node: node.name,
      play: 'Machines',
      kind: 'machine',
      title: `give ${node.name} ${limitsText(to)}`,
      outcome: 'would-change',
      changes: [{ path: 'limits', from: limitsText(from), to: limitsText(to) }],
      durationMs: 0,
    })
  }
  const networks = await planNetworks(open)
  for (const { node, disk, sizeBytes } of disks) {
    open.emit({
      type: 'step',
      node,
      play: 'Machines',
      kind: 'machine',
      title: `destroy the disk ${disk} of ${node}, once somebody agreed`,
      outcome: 'would-change',
      changes: [{ path: `disk ${disk}`, from: bytesText(sizeBytes) }],
      durationMs: 0,
    })
  }
  const running = open.spec.nodes.map(({ name }) => name).filter((name) => !(name in absent))
  const summary =
    running.length === 0
      ? { hosts: {}, changed: 0, maybe: 0, failed: 0, errors: [] }
      : await convergeSite(open, 'plan', { diff: options.diff, limit: running })
  const missing = Object.keys(absent).length + limits.length + networks.length + disks.length
  open.emit({
    type: 'recap',
    hosts: { ...absent, ...summary.hosts },
    changed: summary.changed + missing,
    failed: summary.failed,
    durationMs: Math.round(performance.now() - started),
  })
  return { pending: summary.changed + summary.maybe + missing, failed: summary.failed, errors: summary.errors }
}
