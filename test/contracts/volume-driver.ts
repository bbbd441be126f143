import { describe } from 'vitest'
import type { VolumeDriverName } from '../../src/model/volume.ts'
import { openBench, type PoolPair } from './volume/bench.ts'
import { cloneCases } from './volume/clones.ts'
import { digestCases } from './volume/digests.ts'
import { healthCases } from './volume/health.ts'
import { interruptedCases } from './volume/interrupted.ts'
import { lifeCases } from './volume/life.ts'
import { limitCases } from './volume/limits.ts'
import { rollbackCases } from './volume/rollback.ts'
import { snapshotsCases } from './volume/snapshots.ts'
import { streamsCases } from './volume/streams.ts'

export type { PoolPair } from './volume/bench.ts'

/** What every volume driver must do, on real pools. `open` is called once. */
export function volumeDriverContract(name: VolumeDriverName, open: () => Promise<PoolPair>): void {
  describe(`${name} volumes`, () => {
    const at = openBench(name, open)
    lifeCases(at)
    snapshotsCases(at)
    streamsCases(at)
    interruptedCases(at)
    digestCases(at)
    limitCases(at)
    cloneCases(at)
    rollbackCases(at)
    healthCases(at)
  })
}
