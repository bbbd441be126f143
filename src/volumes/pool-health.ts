import type { PoolHealth } from '../model/pool-health.ts'
import { bytesText } from '../model/bytes-text.ts'

/** A filesystem whose disk does not answer may not answer either. */
export const HEALTH_TIMEOUT_MS = 30_000
/** Below this, and below one percent of the pool, it is full: a filesystem needs some of it for its own bookkeeping. */
const LEAST_FREE_BYTES = 16 * 1024 * 1024
/** What is left for metadata when snapshots begin to fail. */
const LEAST_METADATA_BYTES = 1024 * 1024

/** Pure: what the driver's script prints for `health`, a word and a figure a line. */
export function readHealth(text: string): PoolHealth {
  const said = new Map([...text.matchAll(/^(\S+) (\S+)$/gm)].map(([, word = '', found = '']) => [word, found]))
  const figure = (word: string) => Number(said.get(word) ?? 0)
  if (said.get('mounted') === 'no') {
    return { state: 'not-mounted', detail: 'the pool is not mounted', hint: 'lab up (it mounts the pool again)' }
  }
  if (said.get('writable') === 'no') {
    return {
      state: 'read-only',
      detail: 'the pool is read-only: its filesystem found an error, or the disk below it did',
      hint: 'look at the end of "dmesg" on the node, then restart it: lab halt NODE, lab up',
    }
  }
  const [total, free] = [figure('total'), figure('free')]
  const room = `${bytesText(free)} of ${bytesText(total)} free`
  if (free < LEAST_FREE_BYTES || free < total / 100) {
    return { state: 'full', detail: room, hint: FULL_HINT }
  }
  const metadata = said.has('metadata-free') ? figure('metadata-free') + figure('unallocated') : undefined
  if (metadata !== undefined && metadata < LEAST_METADATA_BYTES) {
    return { state: 'full', detail: `${room}, but none for names and attributes of files`, hint: FULL_HINT }
  }
  const errors = figure('errors')
  const missing = said.get('missing') ?? '0'
  const state = said.get('state') ?? 'ONLINE'
  if (errors > 0 || missing !== '0' || state !== 'ONLINE') {
    const what = [
      ...(state === 'ONLINE' ? [] : [`the pool is ${state.toLowerCase()}`]),
      ...(missing === '0' ? [] : ['a device is missing']),
      ...(errors === 0 ? [] : [`${String(errors)} errors were counted`]),
    ]
    return {
      state: 'degraded',
      detail: `${what.join(', ')}; ${room}`,
      hint: 'move the volumes of this node away (lab volume move --evacuate NODE) and look at its disk',
    }
  }
  return { state: 'ok', detail: room, hint: undefined }
}

const FULL_HINT =
  'delete snapshots or files, move a volume away, or make the pools larger (volumes.poolSize in lab.yml)'
