import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import type { DriverBench } from './bench.ts'
import { NODE_PATHS } from '../../../src/model/names.ts'
import { waitFor } from '../../../src/model/wait.ts'

/** Making, listing and destroying. */
export function lifeCases(at: DriverBench): void {
  const { find, live, sh } = at

  test('a created volume is empty, writable and listed', async () => {
    await at.from.driver.create(at.volume)
    expect(await find(at.from)).toEqual({ name: at.volume, live: 'writable', snapshots: [] })
    expect(await sh(at.from, `ls -A ${live()}; touch ${live()}/a; ls -A ${live()}`)).toBe('a')
  })

  test('creating a volume that is there leaves its data alone', async () => {
    await at.from.driver.create(at.volume)
    await sh(at.from, `echo kept > ${live()}/file`)
    await at.from.driver.create(at.volume)
    expect(await sh(at.from, `cat ${live()}/file`)).toBe('kept')
  })

  test.each(['', '../x', 'a/b', 'A', '-a', 'a-', 'a b', 'a\nb', 'a'.repeat(64)])(
    'the name %j reaches no path',
    async (bad) => {
      await expect(Promise.resolve().then(() => at.from.driver.create(bad))).rejects.toThrow(/name/)
      await expect(Promise.resolve().then(() => at.from.driver.destroy(bad))).rejects.toThrow(/name/)
      await expect(Promise.resolve().then(() => at.from.driver.snapshot(at.volume, bad))).rejects.toThrow(/name/)
    },
  )

  test('names may have 63 characters', async () => {
    const long = `long-${'x'.repeat(50)}-${randomBytes(3).toString('hex')}9`
    expect(long).toHaveLength(63)
    await at.from.driver.create(long)
    try {
      await at.from.driver.snapshot(long, 's'.repeat(63))
      expect((await at.from.driver.list()).find((each) => each.name === long)?.snapshots).toHaveLength(1)
    } finally {
      await at.from.driver.destroy(long)
    }
  })

  test('used and free bytes follow what is written', async () => {
    await at.from.driver.create(at.volume)
    const before = await at.from.driver.usage()
    expect(before.freeBytes).toBeGreaterThan(0)
    expect(before.totalBytes).toBeGreaterThan(before.freeBytes)
    await sh(at.from, `head -c 8000000 /dev/urandom > ${live()}/file; sync`)
    // ZFS counts when it closes a transaction group: half a minute later, or for a snapshot.
    await at.from.driver.snapshot(at.volume, 'counted')
    const used = await waitFor(
      async () => {
        const bytes = await at.from.driver.usedBytes(at.volume)
        return bytes > 7_000_000 ? bytes : undefined
      },
      { deadlineMs: 60_000, what: 'the written bytes to be counted' },
    )
    expect(used).toBeLessThan(12_000_000)
    expect((await at.from.driver.usage()).totalBytes).toBe(before.totalBytes)
  })

  test('a destroyed volume leaves nothing, and destroying it again is no error', async () => {
    await at.from.driver.create(at.volume)
    await sh(at.from, `touch ${live()}/file`)
    await at.from.driver.snapshot(at.volume, 's0')
    await at.from.driver.snapshot(at.volume, 's1')
    await at.from.driver.destroy(at.volume)
    await at.from.driver.destroy(at.volume)
    expect(await find(at.from)).toBeUndefined()
    expect(
      await sh(at.from, `ls -A ${NODE_PATHS.pool}/live ${NODE_PATHS.pool}/snap 2>/dev/null || true`),
    ).not.toContain(at.volume)
  })
}
