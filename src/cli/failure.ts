import { EXIT, LabError, toLabError } from '../model/errors.ts'
import type { RunEvent } from '../model/events.ts'
import { hiddenValues } from '../model/hidden-values.ts'
import { redact, redactAll } from '../shell/redact.ts'
import type { Io } from './io.ts'
import { styleOf } from './io.ts'

/** A failure as the event that reporters and `--json` show. */
export function errorEvent(error: LabError): Extract<RunEvent, { type: 'error' }> {
  const event = {
    type: 'error',
    code: error.code,
    message: error.message,
    ...(error.where === undefined ? {} : { where: error.where }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  } as const
  return redactAll(event, hiddenValues())
}

/** Any thrown value as what the user shall see of it; `interrupted` is what stands for everything that stopped by Ctrl-C. */
export function explain(thrown: unknown, interrupted: LabError | undefined): LabError {
  if (interrupted !== undefined) return interrupted
  const error = toLabError(thrown)
  if (error.code !== 'UNEXPECTED' || error.hint !== undefined) return error
  return new LabError('UNEXPECTED', error.message, {
    where: error.where,
    hint: 'this is a fault of lab itself or of its surroundings; LAB_DEBUG=1 before the command shows where',
    cause: error.cause,
  })
}

/** Prints a failure: one line of JSON on standard output, or for people on standard error. Returns the exit code. */
export async function printFailure(error: LabError, io: Io, json: boolean): Promise<number> {
  if (json) io.out(JSON.stringify(errorEvent(error)))
  else {
    const { renderError } = await import('../reporters/error-lines.ts')
    const screen = { columns: 80, style: styleOf(io.stderr, io.env) }
    renderError(errorEvent(error), screen).forEach(io.err)
  }
  printStack(error, io)
  return error.exitCode
}

/** With LAB_DEBUG set, where in lab's own code an error came from, and what caused it. */
export function printStack(error: LabError, io: Io): void {
  if (io.env['LAB_DEBUG'] === undefined) return
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    io.err(redact(cause.stack ?? cause.message, hiddenValues()))
  }
}

/** What ends a command that Ctrl-C or another signal stopped. */
export function interruption(signal: NodeJS.Signals, hint: string | undefined): LabError {
  const exitCode = { SIGINT: EXIT.interrupted, SIGTERM: 143, SIGHUP: 129 }[signal as string] ?? EXIT.failed
  return new LabError('INTERRUPTED', 'stopped before it was done', { hint, exitCode })
}
