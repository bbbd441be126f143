import type { LabError } from '../model/errors.ts'
import { bytesText } from '../model/bytes-text.ts'
import type { HostRecap } from '../model/events.ts'
import type { OpenLab } from './open-lab.ts'
import { limitChanges, limitsText } from './limits.ts'
import { planNetworks } from './networks.ts'
import { liveChanges } from './live-changes.ts'
import { machineStep } from './machine-step.ts'
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
  const { removed, disks } = await liveChanges(open)
  const machines = await open.machines()
  const toStart = open.spec.nodes.flatMap(({ name }) => {
    const state = machines.find((machine) => machine.name === name)?.state ?? 'missing'
    return state === 'running' ? [] : [{ name, state }]
  })
  for (const { name, state } of toStart) {
    const title = `${state === 'missing' ? 'create' : 'start'} ${name}, then bring it up`
    machineStep(open, name, title, { path: 'state', from: state, to: 'running' })
  }
  const limits = await limitChanges(open)
  for (const { node, from, to } of limits) {
    const change = { path: 'limits', from: limitsText(from), to: limitsText(to) }
    machineStep(open, node.name, `give ${node.name} ${limitsText(to)}`, change)
  }
  const networks = await planNetworks(open)
  for (const name of removed) {
    const title = `move the volumes of ${name} off and destroy it, once somebody agreed`
    machineStep(open, name, title, { path: 'state', from: 'present' })
  }
  for (const { node, disk, sizeBytes } of disks) {
    const title = `destroy the disk ${disk} of ${node}, once somebody agreed`
    machineStep(open, node, title, { path: `disk ${disk}`, from: bytesText(sizeBytes) })
  }
  const absent = Object.fromEntries([...toStart.map(({ name }) => name), ...removed].map((name) => [name, ONE_CHANGE]))
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

/** What a recap says of a machine that is to be made, started or destroyed: no more is known of it. */
const ONE_CHANGE: HostRecap = { ok: 0, changed: 1, maybe: 0, failed: 0, skipped: 0 }
