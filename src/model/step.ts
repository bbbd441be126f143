import type { Command } from './command.ts'
import type { NodeSpec } from './lab-spec.ts'
import type { NoVariables, VariableSet, WithVariables } from './variables.ts'

/** What a fact's script printed. */
export interface FactOutput {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * A question put to a node: a read-only POSIX sh script and the pure function that reads its answer.
 * Two queries with one `key` are asked once. The script runs in a subshell of its own, with an empty stdin.
 */
export interface FactQuery<T> {
  readonly key: string
  readonly script: string
  /** Throws `FactUnavailable` when the node cannot answer yet (the tool is not installed, the daemon is down). */
  parse(output: FactOutput): T
  /** Set by {@link familyQuery}: all queries of one family on a host are asked by one script. */
  readonly batch?: { readonly family: FactFamily<T>; readonly argument: string }
  /** Where nothing was changed yet in the run, that node is asked first: one question there may spare one on every node. */
  readonly elsewhere?: Elsewhere<T>
}

/** What another node can tell. */
export interface Elsewhere<T> {
  readonly node: string
  readonly query: FactQuery<unknown>
  /** Undefined where the answer leaves it open: then the node itself is asked. */
  readonly value: (answer: unknown) => T | undefined
}

/**
 * Queries that differ in one argument only (a path, a unit) and cost next to nothing when asked together:
 * one `systemctl show` for twenty units, one `sha256sum` for thirty files.
 */
export interface FactFamily<T> {
  readonly name: string
  /** One script for all arguments; each has been through no shell yet, so it quotes them. */
  script(args: readonly string[]): string
  /** Values by argument. An argument it leaves out counts as `FactUnavailable`. */
  parse(output: FactOutput, args: readonly string[]): ReadonlyMap<string, T>
}

/** The query of one member of a family. */
export function familyQuery<T>(family: FactFamily<T>, argument: string): FactQuery<T> {
  return {
    key: `${family.name}:${argument}`,
    script: family.script([argument]),
    parse: (output) => familyValue(family, family.parse(output, [argument]), argument),
    batch: { family, argument },
  }
}

/** One member's value out of a family's answer. */
export function familyValue<T>(family: FactFamily<T>, values: ReadonlyMap<string, T>, argument: string): T {
  const value = values.get(argument)
  if (value === undefined) throw new FactUnavailable(`${family.name} says nothing about ${argument}`)
  return value
}

/** The node cannot answer this query in its present state. Honest plans say `maybe` then. */
export class FactUnavailable extends Error {
  override readonly name = 'FactUnavailable'
}

/** One difference between what is wanted and what is there. Values are shown to people; secrets are `***`. */
export interface Change {
  /** What of the step's subject differs: `content`, `mode`, `running`, ... */
  readonly path: string
  readonly from: string | undefined
  readonly to: string | undefined
}

/** What `apply` may ask while it runs: facts of other nodes (a join token, a certificate). */
export interface ApplyContext {
  readonly node: NodeSpec
  readonly read: <T>(node: string, query: FactQuery<T>) => Promise<T>
}

/** File and line where a step was written: of the file that ran, until the executor maps it to its source. */
export interface SourceLocation {
  readonly file: string
  readonly line: number
  readonly column?: number
}

/** Holds on a node where one of these steps changed something in this run. */
export interface Condition {
  readonly changed: readonly Step[]
}

/** What every step takes besides its own options, as its second argument. */
export interface StepHow {
  /**
   * Only when this holds, see `changed`; otherwise the step is skipped. It holds in the run that made the change and in no
   * other: where a service must follow its files even after a run that was killed, `restartAfter` is the safe way.
   * @default always
   */
  readonly when?: Condition
  /**
   * Name of the node on which it is done, once for each node of the play.
   * @default the node of the play
   */
  readonly on?: string
}

/** A value that is known only during a run: what a node answers to a question, or what a step printed. */
export interface Result<T> {
  readonly title: string
  /** Steps it comes about by: while one of them is pending, nobody knows it. */
  readonly after: readonly Step[]
  /** The node that is asked; the play's own when absent. */
  readonly on: string | undefined
  readonly from: { readonly query: FactQuery<T> } | { readonly output: Step }
}

/** A step that is made of steps. */
export type Flow =
  | {
      readonly type: 'attempt'
      readonly steps: readonly Step[]
      readonly rescue: readonly Step[]
      readonly always: readonly Step[]
    }
  | {
      readonly type: 'given'
      readonly results: Readonly<Record<string, Result<unknown>>>
      make(values: Readonly<Record<string, unknown>>, node: NodeSpec): readonly Step[]
    }

/** A desired state of one thing on one node, ready for the executor, which knows nothing else of it. */
export interface Step {
  readonly kind: string
  readonly title: string
  readonly source: SourceLocation | undefined
  /** Applying it changes what its own facts see and nobody else's; steps of this sort in a row are applied in one exec. */
  readonly selfContained: boolean
  /** `always`: not observable, runs every time and is not checked again afterwards. */
  readonly always: boolean
  readonly queries: readonly FactQuery<unknown>[]
  /** Paths on the node whose content this step decides; `restartAfter` reads them. */
  readonly files: readonly string[]
  /**
   * It changes parts of its files and leaves the rest as it is: another step of this sort on the same file may be pending
   * without making its facts doubtful.
   */
  readonly edits?: boolean
  /** Steps whose result this step's facts look at: while one of them is pending, a plan can only say `maybe`. */
  readonly after?: readonly Step[]
  /** Pure. `observed` has a value for each query's key. `pending`: files that earlier steps are about to change; for a step that edits, to write. */
  diff(observed: ReadonlyMap<string, unknown>, pending: ReadonlySet<string>): readonly Change[]
  /** The commands that make the changes; may read facts of other nodes. */
  apply(
    changes: readonly Change[],
    observed: ReadonlyMap<string, unknown>,
    context: ApplyContext,
  ): readonly Command[] | Promise<readonly Command[]>
  /** See {@link StepHow}. */
  readonly when?: Condition
  readonly on?: string
  /** Set on what is made of other steps; the executor goes through those then. */
  readonly flow?: Flow
  /**
   * Text wanted in a file, for `--diff`; undefined for secrets and for steps without text. `isPublic`: all may read it
   * then, or it is gone; what only some may read now is not shown beside it.
   */
  readonly preview?: { readonly path: string; readonly content: string; readonly isPublic?: boolean }
}

/** Steps for a set of nodes. */
export interface Play {
  readonly name: string
  /** Names of nodes, groups of `lab.yml` or roles (one, or a list), `all`, or a test on a node. */
  readonly hosts: string | readonly string[] | ((node: NodeSpec) => boolean)
  readonly tags?: readonly string[]
  /** How many nodes at a time; all of them when absent. */
  readonly serial?: number
  /**
   * How many nodes may fail in this play; with one more the run ends, and the nodes that were to follow are left as they
   * are. Absent, the other nodes finish the run; only a wave that failed as a whole ends a play.
   */
  readonly maxFail?: number
  /**
   * A node goes on to this play as soon as it is done with the one before, without waiting for the others: nothing in it
   * looks at another node. Not together with `serial` or `maxFail`.
   */
  readonly independent?: boolean
  readonly steps: readonly Step[] | ((node: NodeSpec) => readonly Step[])
}

/**
 * One concern of the site, or a user's own list of plays. `S` is what its plays are a function of, `V` the variables it
 * declares by example.
 */
export interface Playbook<S = unknown, V extends VariableSet = NoVariables> {
  readonly name: string
  /** Variables with their values when nothing else sets them, or `required(...)`. */
  readonly vars?: V
  readonly plays: readonly Play[] | ((site: S & WithVariables<V>) => readonly Play[])
}
