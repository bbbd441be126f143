import { availableParallelism } from 'node:os'
import siteBooks from '../../playbooks/site.ts'
import { findProduct } from '../config/product.ts'
import { choosePlays } from '../executor/select-plays.ts'
import { runPlays, type RunSummary } from '../executor/run-plays.ts'
import { LabError, UsageError } from '../model/errors.ts'
import { nodesNamed, withGroups } from '../model/node-names.ts'
import type { LabSpec } from '../model/lab-spec.ts'
import type { Machine } from '../model/provider.ts'
import type { Play } from '../model/step.ts'
import type { Site } from '../model/site.ts'
import { readHostEnvironment } from '../secrets/host-environment.ts'
import { renewCertificates } from '../secrets/lab-secrets.ts'
import { noteApplied } from './applied.ts'
import { checkDemotions } from './check-demotions.ts'
import { agreedDisks, doubtDisks, noteDisks, removeDisks } from './disks.ts'
import { refreshEditorTypes } from './editor-types.ts'
import { refuseLoopbackProxy } from './host-proxy.ts'
import type { RemovedDisk } from './judge-change.ts'
import { notePools } from './live-changes.ts'
import { removeNodes } from './remove-node.ts'
import { withLock } from './lock.ts'
import { ensureMachines, type EnsuredMachines } from './machines.ts'
import type { OpenLab } from './open-lab.ts'
import { settle } from './settle.ts'
import { judgeStarted, startMachines } from './start-to-ask.ts'
import { runTask } from './task.ts'

/**
 * Nodes worked on at a time for each processor of this machine, which they run on. More only fight for it: what the engine
 * gives 20 s for (to join, to get a place on the overlay) then takes longer.
 */
const NODES_PER_PROCESSOR = 4

/** Which part of the site to bring up; everything when absent. */
export interface UpOptions {
  readonly limit?: readonly string[]
  readonly tags?: readonly string[]
  /** Command line that does all this again, for errors; without a limit. */
  readonly again?: string
  /** A node whose machine is destroyed and made anew, under the address it has. */
  readonly replaced?: string
  /**
   * Asked before nodes that lab.yml no longer has are removed with their machines; answers with those that may go, the
   * others are left as they are. Absent, all are left.
   */
  readonly agree?: (removed: readonly string[]) => Promise<readonly string[]>
  /** Called once nothing stands in the way of what lab.yml asks for, before any machine is destroyed or made. */
  readonly begin?: () => Promise<void>
  /** Asked before disks that lab.yml no longer has are removed, with what is on them. Absent, they are left. */
  readonly agreeToDisks?: (removed: readonly RemovedDisk[]) => Promise<boolean>
}

/**
 * Creates what is missing and converges everything: machines, then the site's playbooks in their order, then what lives
 * in the swarm's own records (open moves, volume labels, edge routes). Safe to repeat and to interrupt anywhere.
 */
export async function up(open: OpenLab, options: UpOptions = {}): Promise<RunSummary> {
  return withLock(open.lab.stateDirectory, 'up', async () => {
    const started = performance.now()
    await refreshEditorTypes(open.lab.directory, findProduct())
    await refuseLoopbackProxy(readHostEnvironment(process.env))
    await checkSelection(open, options)
    await prepare(open)
    const { replaced } = options
    const judged = await judgeStarted(replaced === undefined ? open : withoutMachine(open, replaced))
    const { removed, disks, started: woken } = judged
    const givenUp = options.limit === undefined ? await agreedDisks(open, disks, options.agreeToDisks) : []
    const mayGo = removed.length > 0 && options.limit === undefined
    const agreed = (mayGo ? await options.agree?.(removed) : undefined) ?? []
    // What was off together is on together: volumes move off a node that runs.
    if (woken.length > 0) await startMachines(open, agreed)
    const former = (await open.machines()).filter(({ name }) => name === replaced)
    await removeNodes(open, [...agreed, ...(replaced === undefined ? [] : [replaced])], options.begin)
    const renewed = await renewCertificates(open.state, open.lab.id)
    if (renewed.length > 0) {
      open.emit({
        type: 'notice',
        level: 'info',
        message: `made anew, as it would end soon: the ${renewed.join(', the ')}`,
      })
    }
    const made = namesMissing(open.spec, await open.machines())
    const machines = await ensureMachines(open, former)
    // A manager whose machine is made anew joins as another one: the one it was is lost.
    await checkDemotions(open, [...machines.unreachable.keys(), ...made])
    await doubtDisks(open)
    await removeDisks(open, givenUp)
    const summary = await convergeSite(open, 'apply', { ...options, made, unreachable: machines.unreachable })
    if (summary.failed === 0 && options.limit === undefined)
      await settle(open, { restarted: woken.length + machines.changed.length + summary.changed > 0 })
    if (summary.failed === 0 && options.limit === undefined && options.tags === undefined) {
      await notePools(open)
      await noteApplied(open)
      await noteDisks(
        open,
        disks.filter((disk) => !givenUp.includes(disk)),
      )
    }
    const durationMs = Math.round(performance.now() - started)
    open.emit({ type: 'recap', hosts: summary.hosts, changed: summary.changed, failed: summary.failed, durationMs })
    return { ...summary, durationMs }
  })
}

function namesMissing({ nodes }: LabSpec, machines: readonly Machine[]): readonly string[] {
  return nodes.map(({ name }) => name).filter((name) => !machines.some((machine) => machine.name === name))
}

/** A machine that is made anew is no obstacle to what lab.yml asks for, whatever it is like. */
function withoutMachine(open: OpenLab, name: string): OpenLab {
  const machines = async () => (await open.machines()).filter((machine) => machine.name !== name)
  return { ...open, machines }
}

/** Runs the site's playbooks on the machines there are. */
export async function convergeSite(
  open: OpenLab,
  mode: 'apply' | 'plan',
  options: UpOptions & {
    readonly diff?: boolean
    readonly made?: readonly string[]
    readonly unreachable?: EnsuredMachines['unreachable']
  },
): Promise<RunSummary> {
  const site: Site = { ...(await open.site()), made: options.made ?? [] }
  return runPlays({
    plays: sitePlays(site),
    nodes: withGroups(site.nodes, open.spec.groups),
    connect: (node) => {
      const known = options.unreachable?.get(node)
      return known === undefined ? open.connect(node) : Promise.reject(known)
    },
    mode,
    // What was changed is kept on record with its lines.
    diff: options.diff ?? mode === 'apply',
    limit: options.limit,
    tags: options.tags,
    ...(options.again !== undefined && { again: options.again }),
    hostsAtOnce: open.spec.provider === 'ssh' ? undefined : NODES_PER_PROCESSOR * availableParallelism(),
    emit: open.emit,
    signal: open.signal,
  })
}

/** Refuses names and tags that are not there before anything is made. Which tags there are shows once there are machines. */
async function checkSelection(open: OpenLab, { limit, tags }: UpOptions): Promise<void> {
  const nodes = withGroups(open.spec.nodes, open.spec.groups)
  if (limit !== undefined) nodesNamed(limit, nodes)
  if (tags === undefined) return
  try {
    choosePlays(sitePlays(await open.site()), nodes, { limit, tags })
  } catch (error) {
    // There is no site yet, nor perhaps an engine.
    if (error instanceof UsageError || !(error instanceof LabError)) throw error
  } finally {
    // Certificates may be renewed, and machines made, before the site is asked for again.
    open.refresh()
  }
}

/** Every play of the site, in order. */
function sitePlays(site: Site): readonly Play[] {
  return siteBooks.flatMap((book) => (typeof book.plays === 'function' ? book.plays(site) : book.plays))
}

async function prepare(open: OpenLab): Promise<void> {
  let worked = false
  await runTask(open.emit, 'make the host ready', async (task) => {
    await open.provider.prepare((line) => {
      worked = true
      task.progress(line)
    }, open.signal)
    if (!worked) task.unchanged()
  })
}
