/**
 * Every failure a user can meet. `code` is stable and machine-readable; `where` names the file:line, host or object;
 * `message` says what went wrong and why; `hint` is what to type or do next.
 */
export class LabError extends Error {
  readonly code: string
  readonly where: string | undefined
  readonly hint: string | undefined
  /** Process exit code this error ends the command with. */
  readonly exitCode: number

  constructor(code: string, message: string, options: LabErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'LabError'
    this.code = code
    this.where = options.where
    this.hint = options.hint
    this.exitCode = options.exitCode ?? EXIT.failed
  }
}

/** Options of {@link LabError}. */
export interface LabErrorOptions {
  readonly where?: string | undefined
  readonly hint?: string | undefined
  readonly exitCode?: number
  readonly cause?: unknown
}

/** Exit codes of every command. */
export const EXIT = { done: 0, failed: 1, changesPending: 2, usage: 64, interrupted: 130 } as const

/** Bad input (arguments, lab.yml, a Compose file): nothing was changed. Ends with exit code 64. */
export class UsageError extends LabError {
  constructor(message: string, options: Omit<LabErrorOptions, 'exitCode'> = {}, code = 'USAGE') {
    super(code, message, { ...options, exitCode: EXIT.usage })
    this.name = 'UsageError'
  }
}

/** One problem in a file the user wrote. Lines and columns count from 1. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** All problems of one or more user files, reported at once. Ends with exit code 64. */
export class InvalidFileError extends UsageError {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[], hint?: string) {
    super(
      problems.map((p) => [p.file, p.line, p.column, ` ${p.message}`].join(':')).join('\n'),
      { where: problems[0]?.file, hint },
      'INVALID_FILE',
    )
    this.name = 'InvalidFileError'
    this.problems = problems
  }
}

/** Any thrown value as a LabError, so that every path out of the program has a code. */
export function toLabError(error: unknown): LabError {
  // One of another copy of lab (a playbook may have loaded one) says as much.
  if (
    error instanceof LabError ||
    (error instanceof Error && 'exitCode' in error && 'hint' in error && 'code' in error)
  )
    return error as LabError
  if (error instanceof Error) return new LabError('UNEXPECTED', error.message, { cause: error })
  return new LabError('UNEXPECTED', String(error))
}

/** Several failures as one that names them all, with what to do about each; one alone is as it was. */
export function joinErrors(errors: readonly [LabError, ...LabError[]], where?: string): LabError {
  const [first] = errors
  if (errors.length === 1) return first
  const each = errors.map(({ message, hint }) => (hint === undefined ? message : `${message}\n  ${hint}`))
  return new LabError(first.code, each.join('\n'), {
    where: where ?? errors.flatMap((error) => error.where ?? []).join(', '),
    exitCode: Math.max(...errors.map(({ exitCode }) => exitCode)),
    cause: first,
  })
}
