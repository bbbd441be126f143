import { createHash } from 'node:crypto'
import { pathState, type PathState } from '../facts/path.ts'
import { defineStep } from '../model/define-step.ts'
import { UsageError } from '../model/errors.ts'
import { checkNodePath } from '../model/node-path.ts'
import type { FactQuery, Step } from '../model/step.ts'
import { quoteAll } from '../shell/quote.ts'

/** An argument vector, or a POSIX sh script (run with -e and -u). Nothing secret in either: that is for `stdin`. */
export type Run = readonly string[] | string

/** When a command has to run: exactly one of the three. */
export type Condition =
  /** Read-only; exit status 0 means that there is nothing to do. */
  | { readonly unless: Run; readonly creates?: never; readonly always?: never }
  /** A path that is there once the command has run. */
  | { readonly creates: string; readonly unless?: never; readonly always?: never }
  /** Runs every time, reported as a change every time. */
  | { readonly always: true; readonly unless?: never; readonly creates?: never }

/** A command and the test that tells whether it is needed. */
export type CommandOptions = Condition & {
  readonly title: string
  readonly run: Run
  readonly stdin?: string | Uint8Array
  readonly secrets?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly timeoutMs?: number
  /** Set for what takes longer than a moment; see `Command.unit`. */
  readonly unit?: string
  /** Steps whose result `unless` looks at: with one of them pending, a plan says `maybe`. */
  readonly after?: readonly Step[]
}

/**
 * What no other step says: a command with its own test.
 * @example command({ title: 'trust the lab', run: ['update-ca-certificates'], creates: '/etc/ssl/certs/lab.pem' })
 */
export const command = defineStep({
  kind: 'command',
  title: (wanted: CommandOptions) => wanted.title,
  validate(wanted) {
    if (wanted.creates !== undefined) checkNodePath(wanted.creates)
    if (wanted.run.length === 0) throw new UsageError(`"${wanted.title}" runs nothing`)
  },
  facts(wanted): Record<string, FactQuery<unknown>> {
    if (wanted.unless !== undefined) return { satisfied: succeeds(wanted.unless) }
    return wanted.creates === undefined ? {} : { at: pathState(wanted.creates) }
  },
  diff(wanted, { satisfied, at }) {
    if (wanted.always === true) return [{ path: 'runs', from: undefined, to: 'every time' }]
    if (wanted.creates === undefined) return satisfied === true ? [] : [{ path: 'test', from: 'fails', to: 'passes' }]
    const exists = (at as PathState).type !== 'absent'
    return exists ? [] : [{ path: wanted.creates, from: undefined, to: 'exists' }]
  },
  apply: (wanted) => [
    {
      argv: typeof wanted.run === 'string' ? ['sh', '-euc', wanted.run] : wanted.run,
      ...(wanted.stdin === undefined ? {} : { stdin: wanted.stdin }),
      ...(wanted.secrets === undefined ? {} : { secrets: wanted.secrets }),
      ...(wanted.env === undefined ? {} : { env: wanted.env }),
      ...(wanted.cwd === undefined ? {} : { cwd: wanted.cwd }),
      ...(wanted.timeoutMs === undefined ? {} : { timeoutMs: wanted.timeoutMs }),
      ...(wanted.unit === undefined ? {} : { unit: wanted.unit }),
    },
  ],
  always: (wanted) => wanted.always === true,
  after: (wanted) => wanted.after ?? [],
})

function succeeds(test: Run): FactQuery<boolean> {
  const script = typeof test === 'string' ? test : quoteAll(test)
  const digest = createHash('sha256').update(script).digest('hex').slice(0, 16)
  return { key: `succeeds:${digest}`, script, parse: ({ status }) => status === 0 }
}
