import { LabError } from '../model/errors.ts'

/** What a run of playbooks left behind, as far as the exit code goes. */
export interface RunOutcome {
  readonly failed: number
  readonly errors?: readonly LabError[]
}

/** A run on which a host failed, as the one error the command ends with. */
export function throwIfFailed({ failed, errors = [] }: RunOutcome): void {
  if (failed === 0) return
  const [first, ...others] = errors
  if (first !== undefined && others.length === 0) throw first
  const message = errors.map((error) => error.message).join('\n')
  throw new LabError('STEPS_FAILED', message === '' ? `${String(failed)} nodes failed` : message, {
    where:
      errors
        .map(({ where }) => where ?? '')
        .filter((where) => where !== '')
        .join('; ') || undefined,
    hint: first?.hint,
  })
}
