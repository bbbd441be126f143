/** One request of a client, and what came of it. */
export interface Asked {
  /** When it was sent, by `performance.now()`. */
  readonly at: number
  readonly tookMs: number
  /** Undefined: it was answered. */
  readonly error: string | undefined
}

/** A client that asks for one URL all the while. */
export interface Client {
  /** Requests that were sent from a moment on; those under way are not among them. */
  since(at: number): readonly Asked[]
  stop(): Promise<void>
}

/** Between two requests. */
const PAUSE_MS = 50
/** A client that has waited this long has given up. */
const PATIENCE_MS = 10_000

/** What a client saw in a stretch of time. */
export interface Sight {
  readonly requests: number
  readonly failed: number
  /** Longest time from an answered request to the next, where all between failed. */
  readonly longestOutageMs: number
  /** What went wrong, each once. */
  readonly errors: readonly string[]
}

/** Asks for `url` every 50 ms, each time on a connection of its own, whether or not those before are answered. */
export function startClient(url: string, judge: (status: number) => boolean): Client {
  const asked: Asked[] = []
  const pending = new Set<Promise<void>>()
  const ask = async () => {
    const at = performance.now()
    const note = (error?: string) => asked.push({ at, tookMs: performance.now() - at, error })
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS)
      const response = await fetch(url, { signal, headers: { connection: 'close' }, redirect: 'manual' })
      await response.arrayBuffer()
      note(judge(response.status) ? undefined : `status ${String(response.status)}`)
    } catch (error) {
      note(reasonOf(error))
    }
  }
  const timer = setInterval(() => {
    const request = ask().finally(() => pending.delete(request))
    pending.add(request)
  }, PAUSE_MS)
  return {
    since: (at) => asked.filter((each) => each.at >= at).sort((a, b) => a.at - b.at),
    stop: async () => {
      clearInterval(timer)
      await Promise.all(pending)
    },
  }
}

/** Pure: what a client saw, in figures. `asked` in the order in which they were sent. */
export function sightOf(asked: readonly Asked[]): Sight {
  let longestOutageMs = 0
  let answeredAt = asked[0]?.at ?? 0
  for (const [index, { at, error }] of asked.entries()) {
    const before = asked[index - 1]
    if (before?.error !== undefined || error !== undefined) longestOutageMs = Math.max(longestOutageMs, at - answeredAt)
    if (error === undefined) answeredAt = at
  }
  const errors = asked.flatMap(({ error }) => error ?? [])
  return {
    requests: asked.length,
    failed: errors.length,
    longestOutageMs: Math.round(longestOutageMs),
    errors: [...new Set(errors)],
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${String(PATIENCE_MS / 1000)} s`
  return error.cause instanceof Error ? error.cause.message : error.message
}
