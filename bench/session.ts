import type { Lab } from './lab.ts'
import type { Row } from './report.ts'

/** What was asked for on the command line. */
export interface Options {
  /** Rounds of each comparison; each bench has a number of its own that fits how long a round takes. */
  readonly rounds?: number
  /** Directory of a lab that is up already; it is used and left standing. */
  readonly lab?: string
  readonly json: boolean
  /** Sizes of the labs of `many`; empty: its own. */
  readonly nodes: readonly number[]
  /** Sizes of the volumes of `move-volume`, in GiB; empty: its own. */
  readonly gib: readonly number[]
  readonly demo: boolean
  readonly fromNothing: boolean
}

/** What a bench is given. */
export interface Session {
  /** Directory of the checkout that is measured. */
  readonly root: string
  /** A directory for this run's files; removed at the end. */
  readonly temporary: string
  readonly options: Options
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  /** Tells whoever is waiting what goes on. */
  readonly say: (text: string) => void
  /** The lab under test: the given one, or one that is made when it is first asked for and destroyed at the end. */
  readonly lab: () => Promise<Lab>
  /** A new lab of the bench's own: `spec` is its lab.yml, the project's own when absent. Not up yet; destroyed at the end. */
  readonly newLab: (spec?: string) => Promise<Lab>
  /** Undoes something when the bench ends, however it ends; the last one first. */
  readonly defer: (undo: () => Promise<unknown>) => void
}

/** One bench: a file of this directory whose export `bench` is this. */
export interface Bench {
  readonly title: string
  /** What it measures and about how long it takes, for the list. */
  readonly summary: string
  /** Answers with the figures, and what has to be said about them. */
  readonly run: (session: Session) => Promise<{ readonly rows: readonly Row[]; readonly notes?: readonly string[] }>
}

/** Things to undo, the last first. One that fails keeps none of the others from being done. */
export class Undo {
  readonly #steps: (() => Promise<unknown>)[] = []

  /** Remembers how to undo what was just done. */
  push(undo: () => Promise<unknown>): void {
    this.#steps.push(undo)
  }

  /** Undoes everything; answers with what could not be. */
  async all(): Promise<readonly unknown[]> {
    const failures: unknown[] = []
    for (let undo = this.#steps.pop(); undo !== undefined; undo = this.#steps.pop()) {
      try {
        await undo()
      } catch (error) {
        failures.push(error)
      }
    }
    return failures
  }
}
