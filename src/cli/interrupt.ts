/** Why work was aborted: `signal.reason` of the command's AbortSignal. */
export class Interrupted extends Error {
  override readonly name = 'AbortError'
  readonly by: NodeJS.Signals | 'EPIPE'

  constructor(by: NodeJS.Signals | 'EPIPE') {
    super(`interrupted by ${by}`)
    this.by = by
  }
}

/**
 * The first Ctrl-C (or TERM, HUP) aborts `controller`, so that work stops where it may; the second ends the process at
 * once. Everything lab does can be run again after either.
 */
export function listenForSignals(controller: AbortController): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 129)
      controller.abort(new Interrupted(signal))
    })
  }
}

/** The signal that stopped the work, if one did. */
export function interruptedBy(signal: AbortSignal): NodeJS.Signals | undefined {
  const reason: unknown = signal.reason
  return signal.aborted && reason instanceof Interrupted && reason.by !== 'EPIPE' ? reason.by : undefined
}
