import type { Connection } from '../model/connection.ts'
import type { Emit, HostRecap, Outcome } from '../model/events.ts'
import type { NodeSpec } from '../model/lab-spec.ts'
import type { ApplyContext, Change, Step } from '../model/step.ts'
import type { Verdict } from './evaluate.ts'
import type { NodeFacts } from './node-facts.ts'
import type { Place } from './step-errors.ts'
import type { HostStep } from './step-event.ts'
import type { Tell } from './teller.ts'

/** What a run on one host needs to know. */
export interface HostRunOptions {
  readonly node: NodeSpec
  readonly connection: Connection
  readonly mode: 'apply' | 'plan'
  /** Tell what changes in files. */
  readonly diff: boolean
  readonly emit: Emit
  readonly signal: AbortSignal
  readonly read: ApplyContext['read']
  readonly tell: Tell
  /** Steps that a plan found pending, on any host of the run. */
  readonly pendingSteps: Set<Step>
  /** The node of a step's `on`, with its connection. */
  readonly reach: (node: string) => Promise<{ readonly node: NodeSpec; readonly connection: Connection }>
  /** Lets one change at a time through to a node: a delegated one must not meet the node's own. */
  readonly inTurn: <T>(node: string, work: () => Promise<T>) => Promise<T>
  /** Asked before each change; absent, everything is done. */
  readonly confirm?: Confirm | undefined
  /** Command line that runs all this again, for errors: `lab up`. */
  readonly again: string
  /** The node this is done for, when it is done on another. */
  readonly onBehalfOf?: string | undefined
}

/** Asked before a change is made; false leaves the step out on this node. Throws to end the run. */
export type Confirm = (change: {
  readonly node: string
  readonly title: string
  readonly changes: readonly Change[]
  readonly diff: string | undefined
}) => Promise<boolean>

/** A step whose changes are to be made now. */
export interface DueStep {
  readonly entry: HostStep
  readonly step: Step
  readonly changes: readonly Change[]
}

/** One host in the middle of a run, as those see it who apply its steps. */
export interface Host {
  readonly options: HostRunOptions
  readonly recap: { -readonly [K in keyof HostRecap]: HostRecap[K] }
  readonly facts: NodeFacts
  /** Where errors happen, and how to go on after them. */
  readonly place: Place
  /** What the commands of steps printed. */
  readonly outputs: Map<Step, string>
  /** What a step amounts to on this host now. */
  judge(step: Step): Verdict | { readonly state: 'skipped' }
  /** Whether the user wants these changes. */
  isWanted(due: DueStep): Promise<boolean>
  /** Tells what became of a step, once. */
  report(
    entry: HostStep,
    outcome: Exclude<Outcome, 'failed'>,
    changes: readonly Change[],
    durationMs: number,
    diff?: string,
  ): Promise<void>
  /** What changes in a file, when somebody wants to see it. */
  diffOf(step: Step, changes: readonly Change[]): Promise<string | undefined>
  /** Goes through steps; `later` are those of the stage that come after them. */
  runList(list: readonly HostStep[], later: readonly HostStep[]): Promise<void>
  /** Does one step on another node; returns what became of it there. */
  runElsewhere(node: string, entry: HostStep): Promise<Pick<Host, 'recap' | 'outputs'>>
}

/** What the host itself has to be asked for these steps. */
export function queriesOf(steps: readonly HostStep[]): Step['queries'] {
  return steps.flatMap(({ step }) => (step.on === undefined ? step.queries : []))
}
