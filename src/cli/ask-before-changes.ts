import { createInterface } from 'node:readline/promises'
import { LabError, UsageError } from '../model/errors.ts'
import { hiddenValues } from '../model/hidden-values.ts'
import type { Change } from '../model/step.ts'
import { redactAll } from '../shell/redact.ts'
import { screenOf, type Io } from './io.ts'

/** A change that somebody decides about. */
interface Proposed {
  readonly node: string
  readonly title: string
  readonly changes: readonly Change[]
  readonly diff: string | undefined
}

const QUESTION = '[y]es, [n]o, [c]ontinue without asking, [q]uit: '

/**
 * Shows each change on the terminal and asks whether it is wanted; one question at a time, whatever number of nodes is at
 * work. Throws `UsageError` at once where there is no terminal.
 */
export function askBeforeChanges(io: Io, json: boolean, signal: AbortSignal): (change: Proposed) => Promise<boolean> {
  if (json || !io.stdin.isTTY || !io.stderr.isTTY)
    throw new UsageError('--step asks before each change, and there is no terminal to ask on', {
      hint: 'leave --step out, or look first with --check --diff',
    })
  let before: Promise<unknown> = Promise.resolve()
  let said: 'continue' | 'quit' | undefined
  const decide = async (change: Proposed): Promise<boolean> => {
    if (said === undefined) {
      const { renderProposal } = await import('../reporters/outline-view.ts')
      renderProposal(redactAll(change, hiddenValues()), screenOf(io.stderr, io.env)).forEach(io.err)
      const answer = await ask(io, signal)
      if (answer === 'y' || answer === 'n') return answer === 'y'
      said = answer === 'c' ? 'continue' : 'quit'
    }
    if (said === 'continue') return true
    throw new LabError('STOPPED', `stopped before "${change.title}" on ${change.node}, as you said`, {
      hint: 'what was done stays; the same command again goes on from here',
    })
  }
  return (change) => {
    const decided = before.then(() => decide(change))
    before = decided.catch(() => undefined)
    return decided
  }
}

/** One of the four letters; whoever closes the terminal quits. */
async function ask({ stdin, stderr }: Io, signal: AbortSignal): Promise<'y' | 'n' | 'c' | 'q'> {
  const prompt = createInterface({ input: stdin, output: stderr })
  const closed = new Promise<'q'>((resolve) =>
    prompt.once('close', () => {
      resolve('q')
    }),
  )
  try {
    for (;;) {
      const typed = await Promise.race([prompt.question(QUESTION, { signal }), closed])
      const letter = typed.trim().toLowerCase().charAt(0)
      if (letter === 'y' || letter === 'n' || letter === 'c' || letter === 'q') return letter
    }
  } finally {
    prompt.close()
  }
}
