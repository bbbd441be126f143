import type { LabError } from '../model/errors.ts'

/** Takes turns on the few channels a connection may have. */
export interface ChannelSlots {
  /** Waits for a free slot; the returned function gives it back, once, however often it is called. */
  take(signal?: AbortSignal): Promise<() => void>
  /** Refuses everybody who waits and everybody who comes later. */
  close(reason: LabError): void
}

interface Waiter {
  resolve(release: () => void): void
  reject(reason: Error): void
}

/** At most `size` slots; first come, first served. `onWait` is told when somebody has to wait. */
export function channelSlots(size: number, onWait: () => void): ChannelSlots {
  const waiting = new Set<Waiter>()
  let used = 0
  let closed: LabError | undefined

  const grant = (): (() => void) => {
    let held = true
    used++
    return () => {
      if (!held) return
      held = false
      used--
      const [next] = waiting
      if (next === undefined) return
      waiting.delete(next)
      next.resolve(grant())
    }
  }

  return {
    async take(signal) {
      signal?.throwIfAborted()
      if (closed !== undefined) throw closed
      if (used < size) return grant()
      const turn = new Promise<() => void>((resolve, reject) => {
        const abort = () => {
          waiting.delete(waiter)
          reject(signal?.reason as Error)
        }
        const waiter: Waiter = {
          resolve: (release) => {
            signal?.removeEventListener('abort', abort)
            resolve(release)
          },
          reject: (reason) => {
            signal?.removeEventListener('abort', abort)
            reject(reason)
          },
        }
        signal?.addEventListener('abort', abort, { once: true })
        waiting.add(waiter)
      })
      onWait()
      return turn
    },
    close(reason) {
      closed = reason
      for (const waiter of waiting) waiter.reject(reason)
      waiting.clear()
    },
  }
}
