import { callSite } from './call-site.ts'
import { UsageError } from './errors.ts'
import type { NodeSpec } from './lab-spec.ts'
import type { Condition, Flow, Result, Step, StepHow } from './step.ts'

/** Steps that belong together, and what rescues them. */
export interface AttemptOptions {
  readonly title: string
  readonly steps: readonly Step[]
  /**
   * Run on a node where one of the steps failed; when they succeed, the node goes on behind them. A plan never shows
   * them: what fails is not known before.
   * @default none: the node leaves the run
   */
  readonly rescue?: readonly Step[]
  /**
   * Done at the end, whether the steps failed or not.
   * @default none
   */
  readonly always?: readonly Step[]
}

/**
 * Steps that belong together, and what is done when one of them fails.
 * @example attempt({ title: 'upgrade', steps: [drain, upgrade], rescue: [rollBack], always: [undrain] })
 */
export function attempt(options: AttemptOptions, how: Pick<StepHow, 'when'> = {}): Step {
  const { title, steps, rescue = [], always = [] } = options
  const flow: Flow = { type: 'attempt', steps, rescue, always }
  return { ...frame('attempt', title, callSite(attempt), flow), queries: queriesOf([...steps, ...always]), ...how }
}

/** Values of results, under the same names. */
export type ResultValues<R> = { readonly [K in keyof R]: R[K] extends Result<infer T> ? T : never }

/**
 * Steps that need values which are known only now: they are made on each node when everything before them is done. While
 * what brings a value about is pending, a plan says `maybe` for all of them at once.
 * @example given({ id }, ({ id }) => [file({ path: '/etc/machine-name', content: id })])
 */
export function given<R extends Readonly<Record<string, Result<unknown>>>>(
  results: R,
  make: (values: ResultValues<R>, node: NodeSpec) => readonly Step[],
  how: Pick<StepHow, 'when'> = {},
): Step {
  const title = `what needs ${Object.values(results)
    .map((result) => result.title)
    .join(', ')}`
  const flow: Flow = { type: 'given', results, make: (values, node) => make(values as ResultValues<R>, node) }
  const queries = Object.values(results).flatMap(({ on, from }) =>
    on === undefined && 'query' in from ? [from.query] : [],
  )
  return { ...frame('given', title, callSite(given), flow), queries, ...how }
}

/**
 * For a step's `when`: it is done only on nodes where one of these changed something in this run.
 * @example command({ title: 'tell the others', run: ['notify'], always: true }, { when: changed(config) })
 */
export function changed(...steps: readonly Step[]): Condition {
  if (steps.length === 0) throw new UsageError('changed: name at least one step')
  return { changed: steps }
}

/** Steps without those they are made of: what runs in the end. Of `given` nobody knows before. */
export function leafSteps(steps: readonly Step[]): readonly Step[] {
  return steps.flatMap((step) => {
    if (step.flow?.type === 'attempt') return leafSteps([...step.flow.steps, ...step.flow.always])
    return [step]
  })
}

/** What the node itself has to be asked for these steps. */
function queriesOf(steps: readonly Step[]): Step['queries'] {
  return steps.flatMap((step) => (step.on === undefined ? step.queries : []))
}

function frame(kind: string, title: string, source: Step['source'], flow: Flow): Step {
  return {
    kind,
    title,
    source,
    selfContained: false,
    always: false,
    queries: [],
    files: [],
    diff: () => [],
    apply: () => [],
    flow,
  }
}
