import { createHash } from 'node:crypto'
import { refuseHidden } from '../model/hidden-values.ts'
import { checkNodePath } from '../model/node-path.ts'
import type { Change, FactQuery } from '../model/step.ts'
import { quoteAll } from '../shell/quote.ts'
import { pathState, type PathState } from './path.ts'

/** An argument vector, or a POSIX sh script (run with -e and -u). Nothing secret in either: that is for `stdin`. */
export type Run = readonly string[] | string

/** When a command has to run: exactly one of the three. */
export type Condition =
  | {
      /** A read-only command, as `run`; exit status 0 means that there is nothing to do. */
      readonly unless: Run
      readonly creates?: never
      readonly always?: never
    }
  | {
      /** A path that is there once the command has run. */
      readonly creates: string
      readonly unless?: never
      readonly always?: never
    }
  | {
      /** Runs every time, reported as a change every time. */
      readonly always: true
      readonly unless?: never
      readonly creates?: never
    }

/** Throws `UsageError` for a condition that no node can be asked about, or that tells others one of `secrets`. */
export function checkCondition(condition: Condition, secrets: readonly string[] = []): void {
  if (condition.creates !== undefined) checkNodePath(condition.creates)
  if (condition.unless !== undefined) refuseHidden('"unless"', [condition.unless].flat(), secrets)
}

/** What a node has to be asked to know whether a condition holds. */
export function conditionFacts(condition: Condition): Record<string, FactQuery<unknown>> {
  if (condition.unless !== undefined) return { satisfied: succeeds(condition.unless) }
  return condition.creates === undefined ? {} : { at: pathState(condition.creates) }
}

/** Why a command has to run, given what {@link conditionFacts} was answered; nothing when it has not. */
export function conditionChanges(
  condition: Condition,
  { satisfied, at }: Readonly<Record<string, unknown>>,
): readonly Change[] {
  if (condition.always === true) return [{ path: 'runs', from: undefined, to: 'every time' }]
  if (condition.creates === undefined) return satisfied === true ? [] : [{ path: 'test', from: 'fails', to: 'passes' }]
  const exists = (at as PathState).type !== 'absent'
  return exists ? [] : [{ path: condition.creates, from: undefined, to: 'exists' }]
}

/** Whether a read-only command ends with status 0. */
export function succeeds(test: Run): FactQuery<boolean> {
  const script = typeof test === 'string' ? `set -eu\n${test}` : quoteAll(test)
  const digest = createHash('sha256').update(script).digest('hex').slice(0, 16)
  return { key: `succeeds:${digest}`, script, parse: ({ status }) => status === 0 }
}
