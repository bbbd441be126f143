import { UsageError } from '../model/errors.ts'
import type { OpenLab } from '../workflows/open-lab.ts'
import type { Io } from './io.ts'

/** A question before something that cannot be taken back. */
export interface Question {
  /** The question itself: `Remove shop-db with all its data?` */
  readonly text: string
  /** What to say when the answer is no. */
  readonly refused: string
  /** What asks, and the command that does not ask. */
  readonly command: string
  readonly without: string
}

/** Asks on a terminal. Throws `UsageError` where nobody can be asked. */
export async function confirmed(lab: OpenLab, io: Io, json: boolean, question: Question): Promise<boolean> {
  if (json || !io.stdin.isTTY || !io.stderr.isTTY) {
    throw new UsageError(`${question.command} asks before it does anything, and there is no terminal to ask on`, {
      hint: question.without,
    })
  }
  const { createInterface } = await import('node:readline/promises')
  const prompt = createInterface({ input: io.stdin, output: io.stderr })
  try {
    const answer = await prompt.question(`${question.text} [y/N] `, { signal: lab.signal })
    const yes = /^y(es)?$/i.test(answer.trim())
    if (!yes) lab.emit({ type: 'notice', level: 'info', message: question.refused })
    return yes
  } finally {
    prompt.close()
  }
}
