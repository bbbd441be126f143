import { setTimeout as delay } from 'node:timers/promises'

/** Longest that reading everything back may take. */
const READ_MS = 60_000

/** A client that writes numbers one after the other, each again and again until it is told that it is kept. */
export interface NumberedClient {
  readonly name: string
  /** Ends it. Returns the attempts that were acknowledged; every attempt has a name of its own. */
  stop(): Promise<ReadonlySet<string>>
  /** How often each attempt is kept. */
  kept(): Promise<ReadonlyMap<string, number>>
}

/** Pure: what is wrong with what was kept, in words: lost although acknowledged, or there twice though sent once. */
export function judgeAttempts(acknowledged: ReadonlySet<string>, kept: ReadonlyMap<string, number>): readonly string[] {
  const lost = [...acknowledged].filter((attempt) => !kept.has(attempt))
  const twice = [...kept].filter(([, times]) => times > 1)
  return [
    ...lost.map((attempt) => `${attempt} was acknowledged and is lost`),
    ...twice.map(([attempt, times]) => `${attempt} was sent once and is there ${String(times)} times`),
  ]
}

/** Pure: how often each attempt is there. */
export function countAttempts(attempts: readonly string[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  for (const attempt of attempts) times.set(attempt, (times.get(attempt) ?? 0) + 1)
  return times
}

/** Posts to the sample's guest book through the edge, with a pause between two records. */
export function startHttpWriter(edge: string, series: string, pauseMs: number): NumberedClient {
  const acknowledged = new Set<string>()
  const stopped = new AbortController()
  const post = async (attempt: string): Promise<boolean> => {
    try {
      const response = await fetch(`${edge}/api/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text: `${series} ${attempt}` }),
        signal: AbortSignal.timeout(5000),
      })
      await response.arrayBuffer()
      return response.status === 201
    } catch {
      // Nobody said it is kept: it is sent again, under another name.
      return false
    }
  }
  const loop = async () => {
    for (let number = 1, tries = 1; !stopped.signal.aborted; tries++) {
      await delay(pauseMs)
      const attempt = `${String(number)}.${String(tries)}`
      if (!(await post(attempt))) continue
      acknowledged.add(attempt)
      number++
      tries = 0
    }
  }
  const done = loop()
  return {
    name: 'through the edge and the app',
    stop: async () => {
      stopped.abort()
      await done
      return acknowledged
    },
    kept: async () => {
      const response = await fetch(`${edge}/api/messages?limit=1000000`, { signal: AbortSignal.timeout(READ_MS) })
      const { messages } = (await response.json()) as { messages: readonly { readonly text: string }[] }
      const ours = messages.filter(({ text }) => text.startsWith(`${series} `))
      return countAttempts(ours.map(({ text }) => text.slice(series.length + 1)))
    },
  }
}
