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
    hint: hintFor(errors),
  })
}

/** What is to be typed for all of the nodes, where it differs by the node alone; else what is for the first. */
function hintFor(errors: readonly LabError[]): string | undefined {
  const [first, ...others] = errors.map(({ hint = '' }) => /^(.* --limit )(\S+)$/s.exec(hint) ?? undefined)
  const [, command, node] = first ?? []
  const alike = others.flatMap((match) => (match?.[1] === command ? [match?.[2] ?? ''] : []))
  if (command === undefined || node === undefined || alike.length < others.length) return errors[0]?.hint
  return `${command}${[node, ...alike].join(',')}`
}
