import type { Emit } from '../model/events.ts'

let counter = 0

/** Handle on a running task. */
export interface TaskHandle {
  /** Shows a line of progress. */
  progress(line: string): void
  /** Ends the task as `unchanged` instead of `done`, with a remark. */
  unchanged(detail?: string): void
  /** A remark shown when the task ends. */
  detail(text: string): void
}

/** Runs `work` as a named, timed stretch that reporters show while it lasts. Errors pass through after being reported. */
export async function runTask<T>(
  emit: Emit,
  title: string,
  work: (task: TaskHandle) => Promise<T>,
  options: { readonly node?: string } = {},
): Promise<T> {
  const task = `t${String(++counter)}`
  const started = performance.now()
  let outcome: 'done' | 'unchanged' = 'done'
  let detail: string | undefined
  emit({ type: 'task-started', task, title, ...(options.node === undefined ? {} : { node: options.node }) })
  const finish = (result: 'done' | 'unchanged' | 'failed') => {
    emit({
      type: 'task-finished',
      task,
      title,
      outcome: result,
      ...(detail === undefined ? {} : { detail }),
      durationMs: Math.round(performance.now() - started),
    })
  }
  try {
    const value = await work({
      progress: (line) => {
        emit({ type: 'task-progress', task, line })
      },
      unchanged: (text) => {
        outcome = 'unchanged'
        detail = text ?? detail
      },
      detail: (text) => {
        detail = text
      },
    })
    finish(outcome)
    return value
  } catch (error) {
    finish('failed')
    throw error
  }
}
