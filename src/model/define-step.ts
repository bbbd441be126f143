import type { Command } from './command.ts'
import { callSite } from './call-site.ts'
import { checkOptions } from './check-options.ts'
import { toLabError, UsageError } from './errors.ts'
import type { ApplyContext, Change, FactQuery, Step, StepHow } from './step.ts'

/** Named queries of a step. */
export type Queries = Readonly<Record<string, FactQuery<unknown>>>

/** Values the queries answered, under the same names; of a query that is only asked at times, perhaps none. */
export type Observed<Q extends Queries> = {
  readonly [K in keyof Q]: Q[K] extends FactQuery<infer T> | undefined ? T : never
}

/** How one kind of step works. One such spec a file in `src/steps`. */
export interface StepSpec<D, Q extends Queries> {
  readonly kind: string
  /** Says what is wanted, as an imperative: `install rsyslog, logrotate`. */
  title(desired: D): string
  /** Checks options that types cannot; throws `UsageError`. */
  validate?(desired: D): void
  facts(desired: D): Q
  /** Pure: no change means the node already is as wanted. */
  diff(desired: D, observed: Observed<Q>, pending: ReadonlySet<string>): readonly Change[]
  apply(
    desired: D,
    changes: readonly Change[],
    observed: Observed<Q>,
    context: ApplyContext,
  ): readonly Command[] | Promise<readonly Command[]>
  /** See {@link Step.selfContained}. Default false. */
  readonly selfContained?: boolean | ((desired: D) => boolean)
  /** See {@link Step.edits}. Default false. */
  readonly edits?: boolean
  always?(desired: D): boolean
  files?(desired: D): readonly string[]
  /** See {@link Step.after}. */
  after?(desired: D): readonly Step[]
  preview?(desired: D): Step['preview'] | undefined
}

/** A function that makes steps of one kind and remembers the line of the playbook it was called from. */
export type StepFactory<D> = ((desired: D, how?: StepHow) => Step) & { readonly kind: string }

/** Makes the step function of a kind. */
export function defineStep<D, Q extends Queries>(spec: StepSpec<D, Q>): StepFactory<D> {
  const make = (desired: D, how: StepHow = {}): Step => {
    const source = callSite(make)
    naming(spec.kind, () => {
      checkOptions(spec.kind, desired, how)
      spec.validate?.(desired)
    })
    const queries = spec.facts(desired)
    const named = (observed: ReadonlyMap<string, unknown>) =>
      Object.fromEntries(Object.entries(queries).map(([name, query]) => [name, observed.get(query.key)])) as Observed<Q>
    const preview = spec.preview?.(desired)
    const { selfContained = false } = spec
    return {
      kind: spec.kind,
      title: spec.title(desired),
      source,
      selfContained: typeof selfContained === 'function' ? selfContained(desired) : selfContained,
      edits: spec.edits ?? false,
      always: spec.always?.(desired) ?? false,
      queries: Object.values(queries),
      files: spec.files?.(desired) ?? [],
      after: spec.after?.(desired) ?? [],
      diff: (observed, pending) => spec.diff(desired, named(observed), pending),
      apply: (changes, observed, context) => spec.apply(desired, changes, named(observed), context),
      ...(preview === undefined ? {} : { preview }),
      ...how,
    }
  }
  return Object.assign(make, { kind: spec.kind })
}

/** Errors of options name the step; the line of the playbook is found from where they were thrown. */
function naming(kind: string, check: () => void): void {
  try {
    check()
  } catch (thrown) {
    const { message, where, hint, cause = thrown } = toLabError(thrown)
    throw new UsageError(`${kind}: ${message}`, { where, hint, cause }, 'WRONG_OPTION')
  }
}
