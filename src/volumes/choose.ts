import { createHash } from 'node:crypto'
import { LabError } from '../model/errors.ts'
import type { VolumeRecord } from '../model/volume.ts'

/** Ports that volumes take for their locks: below those that kernels give to outgoing connections. */
export const LOCK_PORTS = { first: 20_000, last: 29_999 } as const

/** Pure: workers in the order in which they should get a new volume: fewest volumes first, then as in lab.yml. */
export function chooseOwner(workers: readonly string[], records: readonly VolumeRecord[]): readonly string[] {
  const load = (worker: string) => records.filter(({ owner }) => owner === worker).length
  return workers.toSorted((a, b) => load(a) - load(b))
}

/** Pure: a port no other volume has; the same for the same name while it is free. */
export function freeLockPort(volume: string, records: readonly VolumeRecord[]): number {
  const taken = new Set(records.map(({ lockPort }) => lockPort))
  const count = LOCK_PORTS.last - LOCK_PORTS.first + 1
  const start = createHash('sha256').update(volume).digest().readUInt32BE(0) % count
  for (let step = 0; step < count; step++) {
    const port = LOCK_PORTS.first + ((start + step) % count)
    if (!taken.has(port)) return port
  }
  throw new LabError('NO_LOCK_PORT', `there are ${String(count)} volumes, and no more can be told apart`)
}
