import { waitFor } from '../../src/model/wait.ts'

/** What a client saw while it was running. */
export interface Seen {
  readonly requests: number
  readonly errors: readonly string[]
}

/** A client that asks for `url` every 20 ms, each time on a connection of its own, until it is stopped. */
export function startReader(url: string): { stop(): Promise<Seen> } {
  const errors: string[] = []
  const pending = new Set<Promise<void>>()
  let requests = 0
  const ask = async () => {
    const at = performance.now()
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(10_000), headers: { connection: 'close' } })
      await response.arrayBuffer()
      if (!response.ok) errors.push(`${String(response.status)} after ${String(Math.round(performance.now() - at))} ms`)
    } catch (error) {
      errors.push(`${String(error)} after ${String(Math.round(performance.now() - at))} ms`)
    }
  }
  const timer = setInterval(() => {
    requests++
    const request = ask().finally(() => pending.delete(request))
    pending.add(request)
  }, 20)
  return {
    stop: async () => {
      clearInterval(timer)
      await Promise.all(pending)
      return { requests, errors }
    },
  }
}

/** Writes one message; returns the status of the answer. 201: acknowledged. */
async function post(edge: string, text: string): Promise<number> {
  const response = await fetch(`${edge}/api/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text }),
    signal: AbortSignal.timeout(5000),
  })
  await response.arrayBuffer()
  return response.status
}

/** Writes one message into the guest book, which must take it. */
export async function postMessage(edge: string, text: string): Promise<void> {
  const status = await post(edge, text)
  if (status !== 201) throw new Error(`the guest book answered ${String(status)} to "${text}"`)
}

/** The texts of all messages in the guest book. */
export async function messageTexts(edge: string): Promise<readonly string[]> {
  const response = await fetch(`${edge}/api/messages?limit=1000000`, { signal: AbortSignal.timeout(10_000) })
  const { messages } = (await response.json()) as { messages: readonly { readonly text: string }[] }
  return messages.map(({ text }) => text)
}

/** Waits until the guest book answers. */
export async function bookAnswers(edge: string): Promise<void> {
  let seen = ''
  await waitFor(
    async () => {
      try {
        const response = await fetch(`${edge}/api/messages?limit=1`, { signal: AbortSignal.timeout(3000) })
        if (response.ok) return true
        seen = `status ${String(response.status)}`
      } catch (error) {
        // Not yet.
        seen = String(error)
      }
      return undefined
    },
    { deadlineMs: 120_000, what: 'the guest book to answer again', lastSeen: () => seen },
  )
}

/** A client that posts numbered messages one after the other and remembers which were acknowledged. */
export function startWriter(edge: string, series: string): { stop(): Promise<readonly string[]> } {
  const acknowledged: string[] = []
  let running = true
  const loop = async () => {
    for (let number = 1; running; number++) {
      const text = `${series} ${String(number)}`
      try {
        if ((await post(edge, text)) === 201) acknowledged.push(text)
      } catch {
        // Not acknowledged: the client may not count on it, and does not.
      }
    }
  }
  const done = loop()
  return {
    stop: async () => {
      running = false
      await done
      return acknowledged
    },
  }
}

/** Which of these texts the guest book does not hold. */
export async function missingMessages(edge: string, texts: readonly string[]): Promise<readonly string[]> {
  const kept = new Set(await messageTexts(edge))
  return texts.filter((text) => !kept.has(text))
}
