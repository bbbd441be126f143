import { setTimeout as delay } from 'node:timers/promises'
import { LabError } from './errors.ts'

/** How to wait for a condition. */
export interface WaitOptions {
  readonly deadlineMs: number
  /** Pause between two looks; 200 ms when absent. */
  readonly intervalMs?: number
  readonly signal?: AbortSignal
  /** What is waited for, as it reads after "waited 30 s for ...". */
  readonly what: string
  /** Called when the deadline passes; its text is added to the error. */
  readonly lastSeen?: () => string
}

/** Looks until `probe` returns something other than undefined; throws `LabError` `DEADLINE` when time is up. */
export async function waitFor<T>(probe: () => Promise<T | undefined>, options: WaitOptions): Promise<T> {
  const end = performance.now() + options.deadlineMs
  for (;;) {
    options.signal?.throwIfAborted()
    const value = await probe()
    if (value !== undefined) return value
    if (performance.now() >= end) {
      const seen = options.lastSeen?.()
      throw new LabError(
        'DEADLINE',
        `waited ${String(Math.round(options.deadlineMs / 1000))} s for ${options.what}${seen === undefined ? '' : `; last seen: ${seen}`}`,
      )
    }
    await delay(options.intervalMs ?? 200, undefined, options.signal === undefined ? {} : { signal: options.signal })
  }
}
