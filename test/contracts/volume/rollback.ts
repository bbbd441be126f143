import { expect, test } from 'vitest'
import { newestCommon } from '../../../src/volumes/move/copy-round.ts'
import type { DriverBench } from './bench.ts'

/** Going on from an older snapshot. */
export function rollbackCases(at: DriverBench): void {
  const { sh, live, find, names, copy } = at
  const note = () => sh(at.from, `cat ${live()}/note`)
  const write = async (...snapshots: readonly string[]) => {
    for (const each of snapshots) {
      await sh(at.from, `echo ${each} > ${live()}/note`)
      await at.from.driver.snapshot(at.volume, each)
    }
  }
  const rollBack = async (snapshot: string, kept: string) => {
    await at.from.driver.demote(at.volume, kept)
    await at.from.driver.promote(at.volume, snapshot)
  }
  /** Sends a snapshot as moves do: since the newest one that both have. */
  const bringUpToDate = async (snapshot: string) => {
    const [ours, theirs] = [await find(at.from), await find(at.to)]
    return copy(snapshot, newestCommon(ours?.snapshots ?? [], theirs?.snapshots ?? [])?.name)
  }

  test('an older snapshot can be gone on from, and the newer ones stay', async () => {
    await at.from.driver.create(at.volume)
    await write('s1', 's2', 's3')
    await sh(at.from, `echo last > ${live()}/note`)
    await rollBack('s1', 'before-1')
    expect(await note()).toBe('s1')
    expect((await find(at.from))?.live).toBe('writable')
    expect([...(await names(at.from))].sort()).toEqual(['before-1', 's1', 's2', 's3'])
  })

  test('what was left by going back can be gone back to', async () => {
    await at.from.driver.create(at.volume)
    await write('s1', 's2')
    await sh(at.from, `echo last > ${live()}/note`)
    await rollBack('s1', 'before-1')
    await write('s3')
    await rollBack('before-1', 'before-2')
    expect(await note()).toBe('last')
    await rollBack('s3', 'before-3')
    expect(await note()).toBe('s3')
    expect([...(await names(at.from))].sort()).toEqual(['before-1', 'before-2', 'before-3', 's1', 's2', 's3'])
  })

  test('a node that has the newer snapshots gets what came instead as an increment', async () => {
    await at.from.driver.create(at.volume)
    await sh(at.from, `head -c 5000000 /dev/urandom > ${live()}/big`)
    await write('s1')
    await bringUpToDate('s1')
    await write('s2')
    await bringUpToDate('s2')
    await rollBack('s1', 'before-1')
    await write('s3')
    const stream = await at.streamOf('s3', 's1')
    expect(stream.length).toBeLessThan(1_000_000)
    await bringUpToDate('s3')
    expect(await at.sameTree('s3')).toBe(true)
    expect([...(await names(at.to))].sort()).toEqual(['s1', 's2', 's3'])
    await at.to.driver.promote(at.volume, 's3')
    expect(await sh(at.to, `cat ${live()}/note`)).toBe('s3')
  })

  test('a node that shares only what was left by going back is brought up to date all the same', async () => {
    await at.from.driver.create(at.volume)
    await write('s1', 's2')
    await copy('s2')
    await rollBack('s1', 'before-1')
    await write('s3')
    await bringUpToDate('s3')
    expect(await at.sameTree('s3')).toBe(true)
    expect([...(await names(at.to))].sort()).toEqual(['s2', 's3'])
  })

  test('snapshots can be deleted on both sides of where it was gone back to', async () => {
    await at.from.driver.create(at.volume)
    await write('s1', 's2', 's3')
    await rollBack('s2', 'before-1')
    await write('s4')
    for (const each of ['s2', 'before-1', 's1', 's3']) await at.from.driver.deleteSnapshot(at.volume, each)
    expect(await names(at.from)).toEqual(['s4'])
    expect(await note()).toBe('s4')
  })

  test('a volume that was gone back in can be destroyed', async () => {
    await at.from.driver.create(at.volume)
    await write('s1', 's2')
    await rollBack('s1', 'before-1')
    await at.from.driver.destroy(at.volume)
    expect(await find(at.from)).toBeUndefined()
  })
}
