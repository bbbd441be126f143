import { checkCondition, conditionChanges, conditionFacts, type Condition, type Run } from '../facts/satisfied.ts'
import { defineStep } from '../model/define-step.ts'
import { refuseHidden } from '../model/hidden-values.ts'
import { UsageError } from '../model/errors.ts'
import { settingsOf, type RunSettings } from '../model/run-settings.ts'

/** A command and the test that tells whether it is needed: exactly one of `unless`, `creates` and `always`. */
export type CommandOptions = Condition &
  RunSettings & {
    /** What it is for, as an imperative: plans and errors call it this. */
    readonly title: string
    /** An argument vector, or a POSIX sh script (run with -e and -u). Nothing secret: that is for `stdin`. */
    readonly run: Run
    /** Written to its standard input; may be secret. */
    readonly stdin?: string | Uint8Array
    /** Values to hide wherever the command or its output is shown; refused in `run`. */
    readonly secrets?: readonly string[]
  }

/**
 * What no other step says: a command with its own test. The test is asked again afterwards, so a command that does not
 * bring about what it is for is an error.
 * @example
 * command({
 *   title: 'collect the certificates',
 *   run: ['update-ca-certificates'],
 *   creates: '/etc/ssl/certs/ca-certificates.crt',
 * })
 * @throws STEP_FAILED: it ended with a status other than 0, or its time was up.
 * @throws NOT_CONVERGED: it succeeded, and its test still fails.
 */
export const command = defineStep({
  kind: 'command',
  title: (wanted: CommandOptions) => wanted.title,
  validate(wanted) {
    checkCondition(wanted, wanted.secrets)
    refuseHidden('"run"', [wanted.run].flat(), wanted.secrets)
    refuseHidden('"env"', Object.values(wanted.env ?? {}), wanted.secrets)
    refuseHidden('"title"', [wanted.title], wanted.secrets)
    if (wanted.run.length === 0)
      throw new UsageError(`"${wanted.title}" runs nothing: "run" is an argument vector or a script`)
  },
  facts: (wanted) => conditionFacts(wanted),
  diff: (wanted, observed) => conditionChanges(wanted, observed),
  apply: (wanted) => [
    {
      argv: typeof wanted.run === 'string' ? ['sh', '-euc', wanted.run] : wanted.run,
      ...(wanted.stdin === undefined ? {} : { stdin: wanted.stdin }),
      ...(wanted.secrets === undefined ? {} : { secrets: wanted.secrets }),
      ...settingsOf(wanted),
    },
  ],
  always: (wanted) => wanted.always === true,
  after: (wanted) => wanted.after ?? [],
})
