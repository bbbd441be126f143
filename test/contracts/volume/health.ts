import { expect, test } from 'vitest'
import { NODE_PATHS } from '../../../src/model/names.ts'
import type { DriverBench } from './bench.ts'

const POOL = NODE_PATHS.pool
const IMAGE = `${NODE_PATHS.state}/pool.img`

/** How each state of a pool is brought about, and ended. */
const STATES = {
  btrfs: {
    'not-mounted': [`umount ${POOL}`, `mount -o loop ${IMAGE} ${POOL}`],
    'read-only': [`mount -o remount,ro ${POOL}`, `mount -o remount,rw ${POOL}`],
    full: [
      `n=$(df -B1 --output=avail ${POOL} | tail -n 1); fallocate -l $((n - 8000000)) ${POOL}/fill; btrfs filesystem sync ${POOL}`,
      // What the file had is room for anything again once btrfs commits, which it does every half a minute by itself.
      `rm ${POOL}/fill; mount -o remount,commit=1 ${POOL}; btrfs filesystem sync ${POOL}`,
    ],
  },
  zfs: {
    'not-mounted': ['zpool export lab', `zpool import -d ${NODE_PATHS.state} lab`],
    full: [
      'zfs set reservation=$(($(zfs get -Hp -o value available lab) - 8000000)) lab/aside',
      'zfs set reservation=none lab/aside',
    ],
    degraded: [
      `truncate -s 3G ${IMAGE}.2; zpool attach lab ${IMAGE} ${IMAGE}.2; zpool offline lab ${IMAGE}.2`,
      `zpool detach lab ${IMAGE}.2; rm ${IMAGE}.2`,
    ],
  },
} as const

/** Pools that are not as they should be. They come last: each case puts the pool back. */
export function healthCases(at: DriverBench): void {
  const { sh } = at
  const during = async (state: string, work: () => Promise<void>) => {
    const scripts = (STATES[at.name] as Readonly<Record<string, readonly [string, string]>>)[state]
    if (scripts === undefined) return
    await sh(at.to, scripts[0])
    try {
      await work()
    } finally {
      await sh(at.to, scripts[1])
    }
    // What was deleted is room again once btrfs has tidied up.
    await expect.poll(() => at.to.driver.health(), { timeout: 60_000 }).toMatchObject({ state: 'ok', hint: undefined })
  }

  test('a pool that is well says so', async () => {
    expect(await at.from.driver.health()).toMatchObject({ state: 'ok', hint: undefined })
  })

  test('a pool that is not mounted says so, and so does whatever needs it', async () => {
    await during('not-mounted', async () => {
      expect(await at.to.driver.health()).toMatchObject({ state: 'not-mounted' })
      await expect(at.to.driver.list()).rejects.toMatchObject({ code: 'POOL_NOT_MOUNTED' })
      await expect(at.to.driver.create(at.volume)).rejects.toMatchObject({ code: 'POOL_NOT_MOUNTED' })
    })
  })

  // A ZFS pool has no such state: it stops instead.
  test('a read-only pool says so, and so does whatever would write', async () => {
    await during('read-only', async () => {
      expect(await at.to.driver.health()).toMatchObject({ state: 'read-only' })
      await expect(at.to.driver.create(at.volume)).rejects.toMatchObject({ code: 'POOL_READ_ONLY' })
    })
  })

  test('a full pool says so, takes no stream, keeps nothing of it, and takes it when there is room', async () => {
    await at.from.driver.create(at.volume)
    await sh(at.from, `head -c 60000000 /dev/urandom > ${at.live()}/big`)
    await at.from.driver.snapshot(at.volume, 's0')
    await during('full', async () => {
      expect(await at.to.driver.health()).toMatchObject({ state: 'full' })
      await expect(at.copy('s0')).rejects.toMatchObject({ code: 'POOL_FULL' })
      expect(await at.find(at.to)).toBeUndefined()
    })
    await at.copy('s0')
    expect(await at.sameTree('s0')).toBe(true)
  })

  // What makes a btrfs pool degraded (errors that were counted) is told apart in test/volumes/pool-health.test.ts.
  test('a pool with a bad disk says so, and still works', async () => {
    await during('degraded', async () => {
      expect(await at.to.driver.health()).toMatchObject({ state: 'degraded' })
      await at.to.driver.create(at.volume)
      await at.to.driver.snapshot(at.volume, 's0')
      await at.to.driver.destroy(at.volume)
    })
  })
}
