import type { Command } from './command.ts'
import type { ApplyContext, Change, FactQuery, SourceLocation, Step } from './step.ts'

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
  preview?(desired: D): { readonly path: string; readonly content: string } | undefined
}

/** A function that makes steps of one kind and remembers the line of the playbook it was called from. */
export type StepFactory<D> = ((desired: D) => Step) & { readonly kind: string }

/** Makes the step function of a kind. */
export function defineStep<D, Q extends Queries>(spec: StepSpec<D, Q>): StepFactory<D> {
  const make = (desired: D): Step => {
    spec.validate?.(desired)
    const queries = spec.facts(desired)
    const named = (observed: ReadonlyMap<string, unknown>) =>
      Object.fromEntries(Object.entries(queries).map(([name, query]) => [name, observed.get(query.key)])) as Observed<Q>
    const preview = spec.preview?.(desired)
    const { selfContained = false } = spec
    return {
      kind: spec.kind,
      title: spec.title(desired),
      source: callSite(make),
      selfContained: typeof selfContained === 'function' ? selfContained(desired) : selfContained,
      edits: spec.edits ?? false,
      always: spec.always?.(desired) ?? false,
      queries: Object.values(queries),
      files: spec.files?.(desired) ?? [],
      after: spec.after?.(desired) ?? [],
      diff: (observed, pending) => spec.diff(desired, named(observed), pending),
      apply: (changes, observed, context) => spec.apply(desired, changes, named(observed), context),
      ...(preview === undefined ? {} : { preview }),
    }
  }
  return Object.assign(make, { kind: spec.kind })
}

/** The line that called `below`, from the stack; a compiled file's line until the executor maps it for an error. */
function callSite(below: (desired: never) => unknown): SourceLocation | undefined {
  const holder: { stack?: string } = {}
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 1
  Error.captureStackTrace(holder, below)
  Error.stackTraceLimit = limit
  const match = /\(?((?:file:\/\/)?\/[^()]+?):(\d+):(\d+)\)?$/m.exec(holder.stack ?? '')
  if (match?.[1] === undefined) return undefined
  return { file: match[1].replace(/^file:\/\//, ''), line: Number(match[2]), column: Number(match[3]) }
}
