import type { Command } from '../model/command.ts'
import type { Step } from '../model/step.ts'
import { WAITED } from '../shell/transient-unit.ts'
import { evaluate, NOTHING_PENDING, observedBy } from './evaluate.ts'
import { refuseSecretArguments } from './apply-script.ts'
import { queriesOf, type DueStep, type Host } from './host.ts'
import { waitForLock } from './node-lock.ts'
import { cannotApply, cannotTell, commandFailed, lockHeld, notConverged, stoppedHalfWay } from './step-errors.ts'
import type { HostStep } from './step-event.ts'

/**
 * Applies the next step of `list` that is due, with those after it that concern only themselves; returns where to go on.
 * `later` are the steps of the stage behind the list: their facts are read again with the others.
 */
export async function applySteps(
  host: Host,
  list: readonly HostStep[],
  index: number,
  later: readonly HostStep[],
): Promise<number> {
  const due: DueStep[] = []
  let next = index
  for (let entry = list[next]; entry !== undefined; entry = list[next]) {
    const { step } = entry
    if (next > index && (isMade(step) || host.facts.lacks(step.queries))) break
    if (due.length > 0 && !standsAlone(step)) break
    const verdict = host.judge(step)
    if (verdict.state === 'ok' || verdict.state === 'skipped') await host.report(entry, verdict.state, [], 0)
    else if (verdict.state === 'pending') {
      const found = { entry, step, changes: verdict.changes }
      if (await host.isWanted(found)) due.push(found)
      else await host.report(entry, 'skipped', [], 0)
    } else if (due.length > 0) break
    else throw cannotTell(host.place, step, verdict.state === 'unknown' ? verdict.reason : 'it depends')
    next++
    if (due.length > 0 && !standsAlone(step)) break
  }
  if (due.length > 0 && !(await applyDue(host, due, [...list.slice(next), ...later]))) {
    // The work of an earlier run was waited for; what is due now may be something else.
    host.facts.forget()
    return index
  }
  return next
}

/** Whether a step may be applied together with one before it. */
function standsAlone(step: Step): boolean {
  return step.selfContained && step.when === undefined
}

/** Whether a step is made of others, or done elsewhere. */
function isMade({ flow, on }: Step): boolean {
  return flow !== undefined || on !== undefined
}

/** Returns false when nothing was run, because an earlier run was still at work and was waited for. */
async function applyDue(host: Host, due: readonly DueStep[], rest: readonly HostStep[]): Promise<boolean> {
  const { node, inTurn } = host.options
  const started = performance.now()
  const diffs = await Promise.all(due.map(({ step, changes }) => host.diffOf(step, changes)))
  const commands: { due: DueStep; command: Command }[] = []
  for (const each of due) {
    const made = await commandsOf(host, each)
    commands.push(...made.map((command) => ({ due: each, command })))
  }
  const queries = queriesOf([...due.map(({ entry }) => entry), ...rest])
  const argued = commands.map(({ command }) => command)
  const result = await inTurn(node.name, () => host.facts.change(argued, queries))
  if (result.refused !== undefined) {
    if (result.refused !== 'stale') await waitFor(host, result.refused.lockedBy)
    return false
  }
  for (const [index, { due: failing, command }] of commands.entries()) {
    const done = result.commands[index]
    if (done?.status === 0) continue
    if (done?.status === WAITED && command.unit !== undefined) return false
    for (const { entry, changes } of due.slice(0, due.indexOf(failing))) await host.report(entry, 'changed', changes, 0)
    const { step, changes } = failing
    throw done === undefined
      ? stoppedHalfWay(host.place, step, result.ran, secretsOf(argued))
      : commandFailed(host.place, step, { command, result: done, changes })
  }
  const durationMs = Math.round((performance.now() - started) / due.length)
  for (const [index, each] of due.entries()) {
    const printed = commands.flatMap((made, at) => (made.due === each ? [result.commands[at]?.stdout ?? ''] : []))
    host.outputs.set(each.step, printed.join('').replace(/\n+$/, ''))
    verify(host, each.step)
    await host.report(each.entry, 'changed', each.changes, durationMs, diffs[index])
  }
  return true
}

async function waitFor(host: Host, holder: string): Promise<void> {
  const { node, connection, emit, signal } = host.options
  emit({ type: 'notice', level: 'info', message: `${node.name}: waiting for ${holder}, which is at work there` })
  if (!(await waitForLock(connection, signal))) throw lockHeld(node.name, holder)
}

function secretsOf(commands: readonly Command[]): readonly string[] {
  return commands.flatMap(({ secrets }) => secrets ?? [])
}

async function commandsOf(host: Host, { step, changes }: DueStep): Promise<readonly Command[]> {
  const { node, read, signal } = host.options
  try {
    const commands = await step.apply(changes, observedBy(step, host.facts.answers), { node, read })
    commands.forEach(refuseSecretArguments)
    return commands
  } catch (error) {
    signal.throwIfAborted()
    throw cannotApply(host.place, step, error)
  }
}

/** The law: after an apply nothing of what was wanted is missing. */
function verify(host: Host, step: Step): void {
  if (step.always) return
  const verdict = evaluate(step, host.facts.answers, NOTHING_PENDING)
  if (verdict.state === 'ok') return
  if (verdict.state === 'unknown') throw cannotTell(host.place, step, verdict.reason)
  throw notConverged(host.place, step, verdict.changes)
}
