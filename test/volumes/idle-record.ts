import type { VolumeRecord } from '../../src/model/volume.ts'

/** The record of a volume that nothing is being done with: that of the model's app, or changed to what a test is about. */
export function idleRecord(change: Partial<VolumeRecord> = {}): VolumeRecord {
  return {
    name: 'data',
    app: 'app',
    service: 'app',
    driver: 'btrfs',
    owner: 'a',
    epoch: 1,
    phase: 'idle',
    move: undefined,
    base: undefined,
    lockPort: 20_000,
    ...change,
  }
}
