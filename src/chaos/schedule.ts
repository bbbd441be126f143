import type { FaultKind } from '../model/fault.ts'
import { FAULT_KINDS } from '../model/fault.ts'
import type { NodeSpec } from '../model/lab-spec.ts'
import { seeded, shuffled } from './seeded.ts'

/** What decides which faults a lab can survive. */
export interface ChaosShape {
  readonly nodes: readonly Pick<NodeSpec, 'name' | 'roles'>[]
  /** The node whose edge is asked all the while: no fault that takes the edge away strikes there. */
  readonly watchedEdge: string | undefined
  /** What its provider can do to machines. */
  readonly canKill: boolean
  readonly canPause: boolean
}

/** One fault of a schedule. */
export interface PlannedFault {
  readonly kind: FaultKind
  /** Where it strikes; undefined: whoever leads at that moment. */
  readonly node: string | undefined
  /** How long it lasts at least. */
  readonly holdMs: number
}

/** Shortest and longest that a fault lasts: long enough to be noticed (three missed heartbeats), short enough for many. */
const LEAST_HOLD_MS = 6000
const MOST_HOLD_MS = 14_000

/** Nodes that a kind of fault may strike, or why there are none. */
export type Targets = { readonly nodes: readonly string[] } | { readonly none: string }

/**
 * Pure: where a fault may strike so that what is promised can still be kept: one of at least three managers, one of at
 * least two workers, never the edge that is asked. A leader is not known beforehand: it has no nodes and may strike.
 */
export function faultTargets(shape: ChaosShape, kind: FaultKind): Targets {
  const { nodes, watchedEdge, canKill, canPause } = shape
  const managers = nodes.filter(({ roles }) => roles.includes('manager'))
  const workers = nodes.filter(({ roles }) => roles.includes('worker'))
  const spare = managers.length >= 3
  if ((kind === 'kill' || kind === 'leader') && !canKill) return { none: 'the power of its machines is not lab’s' }
  if (kind === 'pause' && !canPause) return { none: 'its machines cannot be paused' }
  if (kind === 'leader') return spare ? { nodes: [] } : { none: 'a lab survives that from three managers up' }
  if (kind === 'fill') {
    return workers.length > 0 ? { nodes: workers.map(({ name }) => name) } : { none: 'no node has volumes' }
  }
  const struck = nodes.filter(
    ({ name, roles }) =>
      name !== watchedEdge &&
      (spare || !roles.includes('manager')) &&
      (workers.length > 1 || !roles.includes('worker') || kind === 'sshd'),
  )
  if (struck.length > 0) return { nodes: struck.map(({ name }) => name) }
  return { none: 'it has one worker and fewer than three managers: whatever is struck stops everything' }
}

/** Pure: the kinds of fault that a lab can survive. */
export function possibleFaults(shape: ChaosShape): readonly FaultKind[] {
  return FAULT_KINDS.filter((kind) => 'nodes' in faultTargets(shape, kind))
}

/**
 * Pure: which faults strike where, one after the other: the same for the same seed, shape and kinds. A longer run begins
 * as a shorter one does. Every kind comes up once before one comes up again, and so do the nodes of a kind.
 */
export function planFaults(
  shape: ChaosShape,
  options: { readonly seed: number; readonly forMs: number; readonly kinds: readonly FaultKind[] },
): readonly PlannedFault[] {
  const next = seeded(options.seed)
  const allowed = new Map(
    options.kinds.flatMap((kind) => {
      const targets = faultTargets(shape, kind)
      return 'nodes' in targets ? [[kind, targets.nodes] as const] : []
    }),
  )
  if (allowed.size === 0) return []
  const kinds = deck([...allowed.keys()], next)
  const nodes = new Map([...allowed].map(([kind, names]) => [kind, deck(names, next)]))
  // No more than this many can be over before the time is.
  const most = Math.ceil(options.forMs / LEAST_HOLD_MS)
  return Array.from({ length: Math.max(1, most) }, () => {
    const kind = kinds()
    const node = kind === undefined ? undefined : nodes.get(kind)?.()
    const holdMs = LEAST_HOLD_MS + Math.round((next() * (MOST_HOLD_MS - LEAST_HOLD_MS)) / 100) * 100
    return kind === undefined ? [] : [{ kind, node, holdMs }]
  }).flat()
}

/** Deals things in random order, all of them before one comes again; nothing of nothing. */
function deck<T>(things: readonly T[], next: () => number): () => T | undefined {
  let left: T[] = []
  return () => {
    if (left.length === 0) left = [...shuffled(things, next)]
    return left.pop()
  }
}
