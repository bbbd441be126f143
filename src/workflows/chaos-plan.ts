import { faultTargets, possibleFaults, type ChaosShape } from '../chaos/schedule.ts'
import { LabError, UsageError } from '../model/errors.ts'
import { FAULT_KINDS, type FaultKind } from '../model/fault.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { FRONT_PORT } from '../model/edge-route.ts'
import { LABELS, unknownName } from '../model/names.ts'
import { readRoutes } from '../overlay/edge-config.ts'
import { listServices } from '../swarm/services.ts'
import { awaitWhole } from './chaos-look.ts'
import type { OpenLab } from './open-lab.ts'
import { statusDocument } from './status.ts'

/** What was asked for. */
export interface ChaosOptions {
  readonly forMs: number
  readonly seed: number
  /** As typed; every fault the lab can survive, when absent. */
  readonly faults?: readonly string[] | undefined
}

/** What a run of chaos will do, and what it will watch. */
export interface ChaosPlan {
  readonly seed: number
  readonly forMs: number
  readonly shape: ChaosShape
  readonly kinds: readonly FaultKind[]
  readonly edge: string | undefined
  /** What a client asks for all the while; undefined: no app is behind the edge. */
  readonly url: string | undefined
  /** Services that the URL needs. */
  readonly needs: readonly string[]
  /** The guest book takes numbered records. */
  readonly writes: boolean
  /** There are volumes whose writers are watched. */
  readonly volumes: boolean
}

/** A host that has much to do may keep a node from answering at once. */
const WHOLE_MS = 15_000
/** Longest that one look at the URL may take. */
const LOOK_MS = 5000

/**
 * Finds out what can be done and watched. Throws a `UsageError` for faults that there are not or that this lab would not
 * survive, and `NOT_WHOLE` where something is wrong before anything was done.
 */
export async function planChaos(lab: OpenLab, options: ChaosOptions): Promise<ChaosPlan> {
  const named = checkFaults(options.faults)
  const missing =
    (await lab.machines()).length === 0 ? ['it is not up'] : await awaitWhole(lab, { deadlineMs: WHOLE_MS, anew: [] })
  if (missing.length > 0) {
    throw new LabError('NOT_WHOLE', `the lab is not whole, so nothing was broken: ${missing.join('; ')}`, {
      where: lab.lab.id,
      hint: 'lab up, then: lab doctor',
    })
  }
  const { engine } = await lab.manager()
  const services = await listServices(engine, lab.signal)
  const { edge, volumes } = await statusDocument(lab)
  const front = services.find(({ labels }) => readRoutes(labels[LABELS.routes]).some(({ port }) => port === FRONT_PORT))
  const names = services.map(({ name }) => name)
  const book = edge !== undefined && names.includes('nodeapp') && (await answers(`${edge}/api/messages?limit=1`))
  const url = edge === undefined || front === undefined ? undefined : `${edge}${book ? '/api/whoami' : '/'}`
  const shape: ChaosShape = {
    nodes: lab.spec.nodes,
    watchedEdge: url === undefined ? undefined : nodesWithRole(lab.spec, 'edge')[0]?.name,
    canKill: lab.provider.powerless !== true,
    canPause: lab.provider.pause !== undefined,
  }
  return {
    seed: options.seed,
    forMs: options.forMs,
    shape,
    kinds: chooseKinds(shape, named),
    edge,
    url,
    needs: url === undefined ? [] : [front?.name ?? '', ...(book ? ['nodeapp'] : [])],
    writes: book,
    volumes: volumes.length > 0,
  }
}

/** Pure: the kinds that were named; all unknown ones at once. */
function checkFaults(typed: readonly string[] | undefined): readonly FaultKind[] | undefined {
  const unknown = typed?.filter((word) => !FAULT_KINDS.some((kind) => kind === word)) ?? []
  const [first, ...others] = unknown
  if (first !== undefined && others.length === 0) throw unknownName('fault', first, FAULT_KINDS)
  if (first !== undefined) {
    throw new UsageError(`unknown faults: ${unknown.join(', ')}`, { hint: `known: ${FAULT_KINDS.join(', ')}` })
  }
  return typed === undefined ? undefined : FAULT_KINDS.filter((kind) => typed.includes(kind))
}

/** Pure: what can be done of what was named, or of all. Throws a `UsageError` for what this lab does not survive. */
function chooseKinds(shape: ChaosShape, named: readonly FaultKind[] | undefined): readonly FaultKind[] {
  const possible = possibleFaults(shape)
  const refused = (named ?? []).flatMap((kind) => {
    const targets = faultTargets(shape, kind)
    return 'none' in targets ? [`${kind} cannot be done to this lab: ${targets.none}`] : []
  })
  if (refused.length > 0) throw new UsageError(refused.join('\n'), { hint: `it can have: ${possible.join(', ')}` })
  if (possible.length === 0) throw new UsageError('there is nothing that this lab could lose and go on')
  return named ?? possible
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(LOOK_MS) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
