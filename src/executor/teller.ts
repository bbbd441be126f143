import type { ApplyContext, Elsewhere } from '../model/step.ts'

/** What another node tells; undefined when it cannot, or may not be believed any more. */
export type Tell = <T>(elsewhere: Elsewhere<T>) => Promise<T | undefined>

/** Longest a node is waited for to tell what others can be asked as well. */
const TIMEOUT_MS = 3000

/**
 * Asks each node for each of its answers once, for all who want to be told. `close` is called when something is about to be
 * changed, on any node: what was told before may not be so from then on.
 */
export function openTeller(read: ApplyContext['read']): { readonly tell: Tell; readonly close: () => void } {
  const answers = new Map<string, Promise<unknown>>()
  let closed = false
  return {
    tell: async ({ node, query, value }) => {
      const name = `${node} ${query.key}`
      const asked = answers.get(name) ?? inTime(read(node, query))
      answers.set(name, asked)
      const answer = await asked
      return answer === undefined || closed ? undefined : value(answer)
    },
    close: () => {
      closed = true
    },
  }
}

/** The answer, or undefined when there is none, or none in time. */
async function inTime(answer: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      resolve(undefined)
    }, TIMEOUT_MS)
  })
  try {
    return await Promise.race([answer, late])
  } catch {
    // Whatever kept it from telling: each node is asked itself, and says what is wrong with it.
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
