import type { HostRecap, Outcome } from '../model/events.ts'
import type { Change, Step } from '../model/step.ts'
import { applySteps } from './apply-steps.ts'
import { evaluate, NOTHING_PENDING, type Verdict } from './evaluate.ts'
import { fileDiff } from './file-diff.ts'
import { queriesOf, type DueStep, type Host, type HostRunOptions } from './host.ts'
import { NodeFacts } from './node-facts.ts'
import { runFlow } from './run-flow.ts'
import { cannotTell, type Place } from './step-errors.ts'
import { stepEvent, type HostStep } from './step-event.ts'

/** Whether a step's condition holds; in a plan nobody may know. */
type Condition = 'holds' | 'fails' | 'maybe'

/** One host's way through the stages of a run: its answers, what is pending on it, and what became of its steps. */
export class HostRun implements Host {
  readonly recap: { -readonly [K in keyof HostRecap]: HostRecap[K] } = {
    ok: 0,
    changed: 0,
    maybe: 0,
    failed: 0,
    skipped: 0,
  }
  readonly options: HostRunOptions
  readonly facts: NodeFacts
  readonly outputs = new Map<Step, string>()
  private readonly stages: readonly (readonly HostStep[])[]
  private readonly pending = { files: new Set<string>(), written: new Set<string>() }
  private readonly pendingHere = new Set<Step>()
  private readonly changedHere = new Set<Step>()
  private readonly reported = new Set<HostStep>()

  constructor(options: HostRunOptions, stages: readonly (readonly HostStep[])[]) {
    this.options = options
    this.stages = stages
    this.facts = new NodeFacts(options.connection, options.signal, options.tell)
  }

  get place(): Place {
    return { node: this.options.node.name, again: this.options.again }
  }

  /** Forgets what the host answered: another host's change may have made it untrue. */
  forget(): void {
    this.facts.forget()
  }

  /**
   * Asks what the stage `first` needs to know and is not known, in one exec; with `ahead`, what all after it need as well.
   * Asking ahead pays when nothing is going to change: a change makes what was asked ahead worthless.
   */
  async gather(first: number, ahead: boolean): Promise<void> {
    const steps = ahead ? this.stages.slice(first).flat() : this.steps(first)
    if (steps.length > 0) await this.facts.learn(queriesOf(steps))
  }

  /** Whether one of these plays has something to do here, as far as the answers tell. */
  isBusy(stage: number, play: string): boolean {
    const isOk = (step: Step): boolean => {
      if (step.flow?.type === 'attempt') return [...step.flow.steps, ...step.flow.always].every(isOk)
      if (step.flow !== undefined) return false
      return evaluate(step, this.facts.answers, NOTHING_PENDING).state === 'ok'
    }
    const steps = this.steps(stage).filter((entry) => entry.play === play)
    return !steps.every(({ step }) => isOk(step))
  }

  /** Goes through one stage; returns whether anything on the host was changed. Throws what went wrong. */
  async run(stage: number): Promise<boolean> {
    const changedBefore = this.recap.changed
    await this.runList(this.steps(stage), [])
    return this.recap.changed > changedBefore
  }

  async runList(list: readonly HostStep[], later: readonly HostStep[]): Promise<void> {
    let next = 0
    for (let entry = list[next]; entry !== undefined; entry = list[next]) {
      this.options.signal.throwIfAborted()
      const { step } = entry
      if (step.flow !== undefined || step.on !== undefined) {
        await this.runMade(entry, [...list.slice(next + 1), ...later])
        next++
        continue
      }
      if (this.facts.lacks(step.queries)) await this.facts.learn(queriesOf([...list.slice(next), ...later]))
      if (this.options.mode === 'apply') next = await applySteps(this, list, next, later)
      else {
        await this.planStep(entry)
        next++
      }
    }
  }

  judge(step: Step): Verdict | { readonly state: 'skipped' } {
    const condition = this.condition(step)
    if (condition === 'fails') return { state: 'skipped' }
    const pending =
      this.options.mode === 'plan' ? { ...this.pending, steps: this.options.pendingSteps } : NOTHING_PENDING
    const verdict = evaluate(step, this.facts.answers, pending)
    if (condition === 'holds' || verdict.state === 'ok') return verdict
    return { state: 'maybe', changes: verdict.state === 'unknown' ? [] : verdict.changes }
  }

  private condition({ when }: Step): Condition {
    if (when === undefined || when.changed.some((step) => this.changedHere.has(step))) return 'holds'
    return when.changed.some((step) => this.pendingHere.has(step)) ? 'maybe' : 'fails'
  }

  private async planStep(entry: HostStep): Promise<void> {
    const verdict = this.judge(entry.step)
    if (verdict.state === 'unknown') throw cannotTell(this.place, entry.step, verdict.reason)
    if (verdict.state === 'ok' || verdict.state === 'skipped') await this.report(entry, verdict.state, [], 0)
    else await this.report(entry, verdict.state === 'pending' ? 'would-change' : 'maybe', verdict.changes, 0)
  }

  /** A step that is made of others, or done elsewhere: it counts as changed when one of its own was. */
  private async runMade(entry: HostStep, later: readonly HostStep[]): Promise<void> {
    const condition = this.condition(entry.step)
    if (condition !== 'holds') {
      await this.report(entry, condition === 'fails' ? 'skipped' : 'maybe', [], 0)
      return
    }
    const { changed, maybe } = this.recap
    await runFlow(this, entry, later)
    if (this.recap.changed > changed || this.recap.maybe > maybe) this.note(entry.step)
  }

  /** Remembers that a step changed something, or would. */
  private note(step: Step): void {
    if (this.options.mode === 'apply') {
      this.changedHere.add(step)
      return
    }
    this.pendingHere.add(step)
    this.options.pendingSteps.add(step)
    for (const path of step.files) {
      this.pending.files.add(path)
      if (step.edits !== true) this.pending.written.add(path)
    }
  }

  async isWanted({ step, changes }: DueStep): Promise<boolean> {
    const { confirm, node } = this.options
    if (confirm === undefined) return true
    return confirm({ node: node.name, title: step.title, changes, diff: await this.diffOf(step, changes) })
  }

  async report(
    entry: HostStep,
    outcome: Exclude<Outcome, 'failed'>,
    changes: readonly Change[],
    durationMs: number,
    diff?: string,
  ): Promise<void> {
    // After a wait the steps that were fine are looked at once more; they count once.
    if (this.reported.has(entry)) return
    this.reported.add(entry)
    if (outcome !== 'ok' && outcome !== 'skipped') this.note(entry.step)
    const shown = diff ?? (outcome === 'would-change' ? await this.diffOf(entry.step, changes) : undefined)
    this.recap[outcome === 'would-change' ? 'changed' : outcome]++
    const { node, onBehalfOf = node.name, emit } = this.options
    emit(stepEvent(onBehalfOf, entry, outcome, changes, durationMs, shown))
  }

  async diffOf(step: Step, changes: readonly Change[]): Promise<string | undefined> {
    if (!this.options.diff || step.preview === undefined) return undefined
    return fileDiff(this.options.connection, step.preview, changes)
  }

  async runElsewhere(name: string, entry: HostStep): Promise<Host> {
    const { node, connection } = await this.options.reach(name)
    const onBehalfOf = this.options.onBehalfOf ?? this.options.node.name
    const run = new HostRun({ ...this.options, node, connection, onBehalfOf }, [[entry]])
    await run.gather(0, false)
    // Its own facts may look at what is changed there.
    if ((await run.run(0)) && name === this.options.node.name) this.forget()
    return run
  }

  private steps(stage: number): readonly HostStep[] {
    return this.stages[stage] ?? []
  }
}
