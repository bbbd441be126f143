/** How long is waited for more of the same, in milliseconds: starting Vagrant costs a hundred times as much. */
const GATHER_MS = 50

/**
 * One run of `work` for all that is asked for at about the same time; one run after the other. `work` answers with what
 * went wrong with single ones; what it throws went wrong with all of them. The signal is the first one's: all are of one command.
 */
export function batched<T>(
  work: (items: readonly T[], signal: AbortSignal | undefined) => Promise<ReadonlyMap<T, unknown>>,
): (item: T, signal?: AbortSignal) => Promise<void> {
  let waiting: { readonly items: T[]; readonly done: Promise<ReadonlyMap<T, unknown>> } | undefined
  let last: Promise<unknown> = Promise.resolve()

  const gather = (signal: AbortSignal | undefined) => {
    const items: T[] = []
    const begin = async () => {
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
      waiting = undefined
      return work(items, signal)
    }
    const done = last.then(begin)
    last = done.catch(() => undefined)
    return { items, done }
  }

  return async (item, signal) => {
    const batch = (waiting ??= gather(signal))
    batch.items.push(item)
    const failed = await batch.done
    if (failed.has(item)) throw failed.get(item)
  }
}
