import type { Command } from '../model/command.ts'
import type { Connection } from '../model/connection.ts'
import type { Emit, HostRecap, Outcome } from '../model/events.ts'
import type { NodeSpec } from '../model/lab-spec.ts'
import type { ApplyContext, Change, FactQuery, Step } from '../model/step.ts'
import { WAITED } from '../shell/transient-unit.ts'
import { applyScript } from './apply-script.ts'
import { evaluate, NOTHING_PENDING, observedBy, type Pending } from './evaluate.ts'
import { fileDiff } from './file-diff.ts'
import { ask, questionnaire, type Answer, type Answers } from './gather.ts'
import { lastChange, newHolder, waitForLock } from './node-lock.ts'
import { stepEvent, type HostStep } from './step-event.ts'
import { cannotApply, cannotTell, commandFailed, lockHeld, notConverged, stoppedHalfWay } from './step-errors.ts'

/** What a run on one host needs to know. */
export interface HostRunOptions {
  readonly node: NodeSpec
  readonly connection: Connection
  readonly mode: 'apply' | 'plan'
  /** Show what changes in files. */
  readonly diff: boolean
  readonly emit: Emit
  readonly signal: AbortSignal
  readonly read: ApplyContext['read']
  /** Steps that a plan found pending, on any host of the run. */
  readonly pendingSteps: Set<Step>
}

interface Due extends HostStep {
  readonly entry: HostStep
  readonly changes: readonly Change[]
}

/** One host's way through the stages of a run: its answers, what is pending on it, and what became of its steps. */
export class HostRun {
  readonly recap: { -readonly [K in keyof HostRecap]: HostRecap[K] } = {
    ok: 0,
    changed: 0,
    maybe: 0,
    failed: 0,
    skipped: 0,
  }
  private readonly options: HostRunOptions
  private readonly stages: readonly (readonly HostStep[])[]
  private answers: Answers = new Map()
  /** Who had changed something on the node last when these answers were given. */
  private lastSeen = ''
  private readonly pendingFiles = new Set<string>()
  private readonly reported = new Set<HostStep>()

  constructor(options: HostRunOptions, stages: readonly (readonly HostStep[])[]) {
    this.options = options
    this.stages = stages
  }

  /** Forgets what the host answered: another host's change may have made it untrue. */
  forget(): void {
    this.answers = new Map()
  }

  /**
   * Asks what the stage `first` needs to know and is not known, in one exec; with `ahead`, what all after it need as well.
   * Asking ahead pays when nothing is going to change: a change makes what was asked ahead worthless.
   */
  async gather(first: number, ahead: boolean): Promise<void> {
    const isUnknown = ({ key }: FactQuery<unknown>) => !this.answers.has(key)
    const steps = ahead ? this.stages.slice(first).flat() : this.steps(first)
    const { connection, signal } = this.options
    const queries = steps.flatMap(({ step }) => step.queries).filter(isUnknown)
    if (queries.length === 0 && (steps.length === 0 || this.answers.size > 0)) return
    const answers = await ask(connection, questionnaire([lastChange, ...queries]), signal)
    // What was known before is as old as it was: who came between is noticed when something is to be changed.
    if (this.answers.size === 0) this.lastSeen = textOf(answers.get(lastChange.key))
    this.answers = new Map([...this.answers, ...answers])
  }

  /** Whether one of these plays has something to do here, as far as the answers tell. */
  isBusy(stage: number, play: string): boolean {
    const steps = this.steps(stage).filter((entry) => entry.play === play)
    return !steps.every(({ step }) => evaluate(step, this.answers, NOTHING_PENDING).state === 'ok')
  }

  /** Goes through one stage; returns whether anything on the host was changed. Throws what went wrong. */
  async run(stage: number): Promise<boolean> {
    const changedBefore = this.recap.changed
    const steps = this.steps(stage)
    let next = 0
    while (next < steps.length) {
      this.options.signal.throwIfAborted()
      next = this.options.mode === 'plan' ? await this.planStep(stage, next) : await this.applySteps(stage, next)
    }
    return this.recap.changed > changedBefore
  }

  private async planStep(stage: number, index: number): Promise<number> {
    const entry = this.entry(stage, index)
    const { step } = entry
    const pending: Pending = { files: this.pendingFiles, steps: this.options.pendingSteps }
    const verdict = evaluate(step, this.answers, pending)
    if (verdict.state === 'unknown') throw cannotTell(this.options.node.name, step, verdict.reason)
    if (verdict.state === 'ok') {
      await this.report(entry, 'ok', [], 0)
      return index + 1
    }
    this.options.pendingSteps.add(step)
    for (const path of step.files) this.pendingFiles.add(path)
    await this.report(entry, verdict.state === 'pending' ? 'would-change' : 'maybe', verdict.changes, 0)
    return index + 1
  }

  /** Applies the next step that is due, with those after it that do not depend on it; returns where to go on. */
  private async applySteps(stage: number, index: number): Promise<number> {
    const due: Due[] = []
    const steps = this.steps(stage)
    let next = index
    for (; next < steps.length; next++) {
      const entry = this.entry(stage, next)
      const { step } = entry
      if (due.length > 0 && !step.selfContained) break
      const verdict = evaluate(step, this.answers, NOTHING_PENDING)
      if (verdict.state === 'ok') await this.report(entry, 'ok', [], 0)
      else if (verdict.state === 'pending') due.push({ ...entry, entry, changes: verdict.changes })
      else if (due.length > 0) break
      else throw cannotTell(this.options.node.name, step, verdict.state === 'unknown' ? verdict.reason : 'it depends')
      if (due.length > 0 && !step.selfContained) {
        next++
        break
      }
    }
    if (due.length > 0 && !(await this.applyDue(stage, due, next))) {
      // The work of an earlier run was waited for; what is due now may be something else.
      this.forget()
      await this.gather(stage, false)
      return index
    }
    return next
  }

  /** Returns false when nothing was run, because an earlier run was still at work and was waited for. */
  private async applyDue(stage: number, due: readonly Due[], next: number): Promise<boolean> {
    const { node, connection, signal } = this.options
    const started = performance.now()
    const diffs = await Promise.all(due.map(({ step }) => this.diffOf(step)))
    const commands: { step: Step; command: Command }[] = []
    for (const { step, changes } of due) {
      const made = await this.commandsOf(step, changes)
      commands.push(...made.map((command) => ({ step, command })))
    }
    const rest = this.steps(stage).slice(next)
    const asked = questionnaire([...due, ...rest].flatMap(({ step }) => step.queries))
    const holder = newHolder()
    const built = applyScript(
      commands.map(({ command }) => command),
      asked,
      { holder, lastSeen: this.lastSeen },
    )
    const ran = await connection.script(built.script, { signal, timeoutMs: built.timeoutMs })
    const result = built.read(ran)
    if (result.refused !== undefined) {
      if (result.refused !== 'stale') await this.waitFor(result.refused.lockedBy)
      return false
    }
    this.lastSeen = holder
    for (const [index, { step, command }] of commands.entries()) {
      const done = result.commands[index]
      if (done?.status === 0) continue
      if (done?.status === WAITED && command.unit !== undefined) return false
      const before = due.slice(
        0,
        due.findIndex((entry) => entry.step === step),
      )
      for (const { entry, changes } of before) await this.report(entry, 'changed', changes, 0)
      throw done === undefined ? stoppedHalfWay(node.name, step, ran) : commandFailed(node.name, step, command, done)
    }
    this.answers = asked.read(result.answers)
    const durationMs = Math.round((performance.now() - started) / due.length)
    for (const [index, { entry, step, changes }] of due.entries()) {
      this.verify(step)
      await this.report(entry, 'changed', changes, durationMs, diffs[index])
    }
    return true
  }

  private async waitFor(holder: string): Promise<void> {
    const { node, connection, emit, signal } = this.options
    emit({ type: 'notice', level: 'info', message: `${node.name}: waiting for ${holder}, which is at work there` })
    if (!(await waitForLock(connection, signal))) throw lockHeld(node.name, holder)
  }

  private async commandsOf(step: Step, changes: readonly Change[]): Promise<readonly Command[]> {
    const { node, read } = this.options
    try {
      return await step.apply(changes, observedBy(step, this.answers), { node, read })
    } catch (error) {
      this.options.signal.throwIfAborted()
      throw cannotApply(node.name, step, error)
    }
  }

  /** The law: after an apply nothing of what was wanted is missing. */
  private verify(step: Step): void {
    if (step.always) return
    const verdict = evaluate(step, this.answers, NOTHING_PENDING)
    if (verdict.state === 'ok') return
    if (verdict.state === 'unknown') throw cannotTell(this.options.node.name, step, verdict.reason)
    throw notConverged(this.options.node.name, step, verdict.changes)
  }

  private async report(
    entry: HostStep,
    outcome: Outcome,
    changes: readonly Change[],
    durationMs: number,
    diff?: string,
  ): Promise<void> {
    // After a wait the steps that were fine are looked at once more; they count once.
    if (this.reported.has(entry)) return
    this.reported.add(entry)
    const shown = diff ?? (outcome === 'would-change' ? await this.diffOf(entry.step) : undefined)
    this.recap[outcome === 'would-change' ? 'changed' : (outcome as 'ok' | 'changed' | 'maybe')]++
    this.options.emit(stepEvent(this.options.node.name, entry, outcome, changes, durationMs, shown))
  }

  private async diffOf(step: Step): Promise<string | undefined> {
    if (!this.options.diff || step.preview === undefined) return undefined
    return fileDiff(this.options.connection, step.preview)
  }

  private steps(stage: number): readonly HostStep[] {
    return this.stages[stage] ?? []
  }

  private entry(stage: number, index: number): HostStep {
    const entry = this.stages[stage]?.[index]
    if (entry === undefined) throw new RangeError(`stage ${String(stage)} has no step ${String(index)}`)
    return entry
  }
}

function textOf(answer: Answer | undefined): string {
  return answer !== undefined && 'value' in answer ? String(answer.value) : ''
}
