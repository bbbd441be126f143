import { FactUnavailable, type Change, type Step } from '../model/step.ts'
import type { Answers } from './gather.ts'

/** What a step amounts to, given what its host answered. */
export type Verdict =
  | { readonly state: 'ok' }
  | { readonly state: 'pending'; readonly changes: readonly Change[] }
  /** Its facts look at what an earlier step is about to change. */
  | { readonly state: 'maybe'; readonly changes: readonly Change[] }
  /** The host cannot tell, and no earlier change explains why. */
  | { readonly state: 'unknown'; readonly reason: string }

/** What earlier steps are about to change. */
export interface Pending {
  /** Files on the same host. */
  readonly files: ReadonlySet<string>
  /** Those of them that will be written as a whole, and not only edited. */
  readonly written: ReadonlySet<string>
  /** Steps on any host. */
  readonly steps: ReadonlySet<Step>
}

/** Nothing is pending: every earlier step was applied. */
export const NOTHING_PENDING: Pending = { files: new Set(), written: new Set(), steps: new Set() }

/** Pure: compares what a step wants with what was answered. */
export function evaluate(step: Step, answers: Answers, pending: Pending): Verdict {
  try {
    return compare(step, observedBy(step, answers), pending)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const explained = error instanceof FactUnavailable && pending.steps.size > 0
    return explained ? { state: 'maybe', changes: [] } : { state: 'unknown', reason }
  }
}

function compare(step: Step, observed: ReadonlyMap<string, unknown>, pending: Pending): Verdict {
  const changes = step.diff(observed, step.edits === true ? pending.written : pending.files)
  const waits = (step.after ?? []).some((earlier) => pending.steps.has(earlier))
  // What an earlier step brings about may be what this one wants: a file put back to what a service read at its start.
  if (waits) return { state: 'maybe', changes }
  return changes.length === 0 ? { state: 'ok' } : { state: 'pending', changes }
}

/** The values a step's diff and apply are given. Throws `FactUnavailable` where the host could not tell one. */
export function observedBy(step: Step, answers: Answers): ReadonlyMap<string, unknown> {
  return new Map(
    step.queries.map(({ key }) => {
      const answer = answers.get(key)
      if (answer === undefined) throw new Error(`${key} was not asked`)
      if ('value' in answer) return [key, answer.value] as const
      if ('unavailable' in answer) throw new FactUnavailable(answer.unavailable)
      throw new Error(`${key}: ${answer.broken}`)
    }),
  )
}
