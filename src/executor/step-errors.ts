import type { Command, ExecResult } from '../model/command.ts'
import { LabError, toLabError } from '../model/errors.ts'
import type { Change, FactOutput, Step } from '../model/step.ts'
import { redact } from '../shell/redact.ts'
import { timeoutOf } from './apply-script.ts'
import { sourceLine } from './source-line.ts'

/** Lines of a failed command's output that are shown. */
const SHOWN_LINES = 12

/** Where an error happens, and the command line that goes on after it. */
export interface Place {
  readonly node: string
  /** As typed but for --limit: `lab run motd.ts`. */
  readonly again: string
}

/** A command of a step ended with a status other than 0. */
export function commandFailed(
  place: Place,
  step: Step,
  failed: { readonly command: Command; readonly result: FactOutput; readonly changes: readonly Change[] },
): LabError {
  const { command, result, changes } = failed
  // Steps run scripts of their own: "sh" would say nothing.
  const program = /^(.*\/)?sh$/.test(command.argv[0] ?? '') ? 'its script' : (command.argv[0] ?? '')
  const seconds = String(Math.round(timeoutOf(command) / 1000))
  const why = result.status === 124 ? `did not end within ${seconds} s` : `exited with ${String(result.status)}`
  const words = lastLines(`${result.stdout.trimEnd()}\n${result.stderr}`, command.secrets)
  // What runs always has no state that it is to bring about.
  const wish = step.always ? '' : `\n${differences(changes)}`
  return stepError('STEP_FAILED', place, step, `${program} ${why}${words}${redact(wish, command.secrets ?? [])}`)
}

/** The step could not say what to run: what it has to know from elsewhere was not to be had. */
export function cannotApply(place: Place, step: Step, error: unknown): LabError {
  const reason = toLabError(error)
  return stepError(reason.code === 'UNEXPECTED' ? 'STEP_FAILED' : reason.code, place, step, reason.message, error)
}

/** All commands succeeded, and the node still is not as wanted. */
export function notConverged(place: Place, step: Step, changes: readonly Change[]): LabError {
  return stepError('NOT_CONVERGED', place, step, `was applied, but ${differences(changes)}`)
}

/** The node cannot say whether the step is needed. */
export function cannotTell(place: Place, step: Step, reason: string): LabError {
  return stepError('FACT_UNAVAILABLE', place, step, `the node cannot tell its present state: ${reason}`)
}

/** The script that applied the step ended before its time. */
export function stoppedHalfWay(place: Place, step: Step, ran: ExecResult, secrets: readonly string[]): LabError {
  return stepError(
    'STEP_STOPPED',
    place,
    step,
    `stopped half-way (status ${String(ran.status)})${lastLines(ran.stderr, secrets)}`,
  )
}

/** Another run is at work on the node. */
export function lockHeld(node: string, holder: string): LabError {
  return new LabError('NODE_BUSY', `another run is at work on ${node}: ${holder === '' ? 'unknown' : holder}`, {
    where: node,
    hint: 'wait for it to end, then run this again',
  })
}

function stepError(code: string, { node, again }: Place, step: Step, what: string, cause?: unknown): LabError {
  const line = sourceLine(step.source)
  const retry = `${again} --limit ${node}`
  return new LabError(code, `${node}: "${step.title}": ${what}`, {
    where: line === undefined ? node : `${node}, ${line}`,
    hint: line === undefined ? retry : `look at ${line}, then: ${retry}`,
    cause,
  })
}

function differences(changes: readonly Change[]): string {
  return changes
    .map(({ path, from, to }) => `${path}: wanted ${to ?? 'nothing'}, found ${from ?? 'nothing'}`)
    .join('; ')
}

function lastLines(output: string, secrets: readonly string[] = []): string {
  const shown = redact(output, secrets).trim().split('\n').slice(-SHOWN_LINES).join('\n')
  return shown === '' ? '' : `:\n${shown}`
}
