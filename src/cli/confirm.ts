import { UsageError } from '../model/errors.ts'
import type { OpenLab } from '../workflows/open-lab.ts'
import type { Io } from './io.ts'

/** A question before something that cannot be undone. */
export interface Confirmation {
  /** With its mark, without the letters to answer with. */
  readonly question: string
  /** What is the case when somebody says no: `nothing was removed`. */
  readonly otherwise: string
  /** What it is that asks, for whoever cannot be asked: `destroy asks before it removes anything`. */
  readonly why: string
  /** The command line that does not ask. */
  readonly unasked: string
}

/** Asks on a terminal; anything but a yes is a no. Throws `UsageError` where nobody can be asked. */
export async function confirm(
  lab: Pick<OpenLab, 'emit' | 'signal'>,
  io: Io,
  json: boolean,
  { question, otherwise, why, unasked }: Confirmation,
): Promise<boolean> {
  if (json || !io.stdin.isTTY || !io.stderr.isTTY)
    throw new UsageError(`${why}, and there is no terminal to ask on`, { hint: unasked })
  const { createInterface } = await import('node:readline/promises')
  const prompt = createInterface({ input: io.stdin, output: io.stderr })
  try {
    const answer = await prompt.question(`${question} [y/N] `, { signal: lab.signal })
    const yes = /^y(es)?$/i.test(answer.trim())
    if (!yes) lab.emit({ type: 'notice', level: 'info', message: otherwise })
    return yes
  } finally {
    prompt.close()
  }
}
