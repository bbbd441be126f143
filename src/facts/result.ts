import { createHash } from 'node:crypto'
import { UsageError } from '../model/errors.ts'
import { FactUnavailable, type Result, type Step } from '../model/step.ts'
import { quoteAll } from '../shell/quote.ts'

/** A question to a node whose answer later steps need. */
export interface ResultOptions<T> {
  /** An argument vector, or a POSIX sh script. It only reads: it is asked at every run, by plans as well. */
  readonly ask: string | readonly string[]
  /**
   * What it is, as it reads after "what needs".
   * @default the question
   */
  readonly title?: string
  /**
   * Steps that bring the answer about: while one of them is pending, a plan says `maybe` for what needs it.
   * @default none
   */
  readonly after?: readonly Step[]
  /**
   * Name of the node that is asked.
   * @default the node of the play
   */
  readonly on?: string
  /**
   * Makes the value out of what was printed, without spaces and line breaks at its ends. Throws when it makes no sense.
   * @default the text itself
   */
  readonly parse?: (text: string) => T
}

/**
 * A value that only a node can tell, for `given`. A question that fails (status other than 0) has no answer: an error, or
 * `maybe` in a plan in which something before it is pending.
 * @example const id = result({ ask: 'cat /etc/machine-id' })
 * @example const port = result({ ask: ['cat', '/srv/port'], after: [made], parse: Number, on: 'mgmt' })
 */
export function result<T = string>(options: ResultOptions<T>): Result<T> {
  const { ask, after = [], on } = options
  if (ask.length === 0) throw new UsageError('result: "ask" is empty')
  const script = typeof ask === 'string' ? ask : quoteAll(ask)
  const parse = options.parse ?? ((text: string) => text as T)
  // Two questions that read alike may be parsed differently.
  const digest = createHash('sha256').update(`${script}\0${parse.toString()}`).digest('hex').slice(0, 16)
  const title = options.title ?? `the answer to "${script.split('\n')[0] ?? ''}"`
  return {
    title,
    after,
    on,
    from: {
      query: {
        key: `result:${digest}`,
        script,
        parse: ({ status, stdout, stderr }) => {
          const words = stderr.trim().split('\n').at(-1) ?? ''
          if (status !== 0)
            throw new FactUnavailable(`${title}: it exited with ${String(status)}${words === '' ? '' : `: ${words}`}`)
          return parse(stdout.trim())
        },
      },
    },
  }
}

/**
 * What the commands of a step printed when they ran in this run, without line breaks at the end; undefined on a node
 * where there was nothing to do.
 * @example given({ name: output(backup) }, ({ name }) => (name === undefined ? [] : [keep(name)]))
 */
export function output(step: Step): Result<string | undefined> {
  return { title: `the output of "${step.title}"`, after: [step], on: undefined, from: { output: step } }
}
