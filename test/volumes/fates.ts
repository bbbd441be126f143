/** What a process that was killed does from then on: nothing. */
class Killed extends Error {}

/** Decides at each step of a run what happens there; throws to have it fail. */
export type Fate = (step: number, effect: string, when: 'before' | 'after') => void | Promise<void>

/** Nothing goes wrong. */
export const LUCKY: Fate = () => undefined

/** A run that is killed before or after its effect number `at`, and does nothing from then on. */
export function killedAt(at: number, when: 'before' | 'after'): Fate & { readonly happened: () => boolean } {
  let dead = false
  const fate: Fate = (step, _, now) => {
    if (step === at && now === when) dead = true
    if (dead) throw new Killed()
  }
  return Object.assign(fate, { happened: () => dead })
}

/** What a run under some fate ended with, undefined when with success. That there were two writers is no such end. */
export async function endOf(run: Promise<unknown>): Promise<unknown> {
  try {
    await run
    return undefined
  } catch (error) {
    if (error instanceof Error && error.message.includes('two writers')) throw error
    return error
  }
}

/** A fate that stops a run before its effect number `at`, until it may go on. */
export function stoppedBefore(at: number) {
  let goOn: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (goOn = resolve))
  let arrive: (stopped: boolean) => void = () => undefined
  const arrived = new Promise<boolean>((resolve) => (arrive = resolve))
  const fate: Fate = async (step, _, when) => {
    if (step !== at || when !== 'before') return
    arrive(true)
    await gate
  }
  return {
    fate,
    /** Whether `run`, which has this fate, stopped there; false when it ended before. */
    reached: (run: Promise<unknown>) => {
      void run.finally(() => {
        arrive(false)
      })
      return arrived
    },
    goOn: () => {
      goOn()
    },
  }
}
