import { expect, test } from 'vitest'
import type { DriverBench } from './bench.ts'

/** Snapshots, and what becomes of the live copy. */
export function snapshotsCases(at: DriverBench): void {
  const { copy, find, live, names, sh } = at

  test('a snapshot keeps what was there when it was taken', async () => {
    await at.from.driver.create(at.volume)
    await sh(at.from, `echo before > ${live()}/file`)
    await at.from.driver.snapshot(at.volume, 's0')
    await sh(at.from, `echo after > ${live()}/file`)
    await copy('s0')
    await at.to.driver.promote(at.volume, 's0')
    expect(await sh(at.to, `cat ${live()}/file`)).toBe('before')
  })

  test('snapshots are listed in the order they were taken', async () => {
    await at.from.driver.create(at.volume)
    for (const snapshot of ['zz', 'aa', 'mm']) await at.from.driver.snapshot(at.volume, snapshot)
    expect(await names(at.from)).toEqual(['zz', 'aa', 'mm'])
  })

  test('a second snapshot of one name is refused and the first kept', async () => {
    await at.from.driver.create(at.volume)
    const first = await at.from.driver.snapshot(at.volume, 's0')
    await sh(at.from, `touch ${live()}/later`)
    await expect(at.from.driver.snapshot(at.volume, 's0')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
    expect((await find(at.from))?.snapshots).toMatchObject([first])
  })

  test('a volume without a live copy cannot be snapshotted', async () => {
    await expect(at.from.driver.snapshot(at.volume, 's0')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
  })

  test('deleting a snapshot leaves the others, and deleting none is no error', async () => {
    await at.from.driver.create(at.volume)
    await at.from.driver.snapshot(at.volume, 's0')
    await at.from.driver.snapshot(at.volume, 's1')
    await at.from.driver.deleteSnapshot(at.volume, 's0')
    await at.from.driver.deleteSnapshot(at.volume, 's0')
    expect(await names(at.from)).toEqual(['s1'])
  })

  test('a frozen volume refuses writes until it is thawed', async () => {
    await at.from.driver.create(at.volume)
    await at.from.driver.freeze(at.volume)
    await at.from.driver.freeze(at.volume)
    expect((await find(at.from))?.live).toBe('frozen')
    await expect(sh(at.from, `touch ${live()}/file`)).rejects.toThrow(/[Rr]ead-only/)
    await at.from.driver.thaw(at.volume)
    expect((await find(at.from))?.live).toBe('writable')
    await sh(at.from, `touch ${live()}/file`)
  })

  test('a frozen volume can be snapshotted and sent', async () => {
    await at.from.driver.create(at.volume)
    await sh(at.from, `echo last > ${live()}/note`)
    await at.from.driver.freeze(at.volume)
    await at.from.driver.snapshot(at.volume, 's0')
    await copy('s0')
    await at.to.driver.promote(at.volume, 's0')
    expect((await find(at.to))?.live).toBe('writable')
    expect(await sh(at.to, `cat ${live()}/note`)).toBe('last')
  })

  test('a live copy is never replaced by promoting', async () => {
    await at.from.driver.create(at.volume)
    await at.from.driver.snapshot(at.volume, 's0')
    await sh(at.from, `echo newer > ${live()}/note`)
    await expect(at.from.driver.promote(at.volume, 's0')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
    expect(await sh(at.from, `cat ${live()}/note; ls ${live()}`)).toBe('newer\nnote')
  })

  test('promoting what is not there fails and leaves no live copy', async () => {
    await at.from.driver.create(at.volume)
    await at.from.driver.snapshot(at.volume, 's0')
    await copy('s0')
    await expect(at.to.driver.promote(at.volume, 'other')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
    expect((await find(at.to))?.live).toBe('absent')
  })

  test('demoting leaves a read-only snapshot of what was there', async () => {
    await at.from.driver.create(at.volume)
    await sh(at.from, `echo kept > ${live()}/note`)
    await at.from.driver.demote(at.volume, 'orphan-1')
    expect(await find(at.from)).toMatchObject({ live: 'absent', snapshots: [{ name: 'orphan-1' }] })
    await at.from.driver.promote(at.volume, 'orphan-1')
    expect(await sh(at.from, `cat ${live()}/note`)).toBe('kept')
  })

  test('two volumes with the same snapshot names do not touch each other', async () => {
    const other = `${at.volume}-b`
    await at.from.driver.create(at.volume)
    await at.from.driver.create(other)
    try {
      const [one, two] = await Promise.all([
        at.from.driver.snapshot(at.volume, 's0'),
        at.from.driver.snapshot(other, 's0'),
      ])
      expect(one.identity).not.toBe(two.identity)
      await at.from.driver.destroy(other)
      expect(await names(at.from)).toEqual(['s0'])
    } finally {
      await at.from.driver.destroy(other)
    }
  })

  test('what is to be sent of it, and how much is written, is told without leaving anything', async () => {
    const { driver } = at.from
    await driver.create(at.volume)
    await sh(
      at.from,
      `head -c 8000000 /dev/urandom > ${live()}/first; truncate -s 500M ${live()}/hole; sync -f ${live()}`,
    )
    const all = await driver.changes(at.volume, undefined, 0)
    expect(all.bytes).toBeGreaterThan(7_900_000)
    expect(all.bytes).toBeLessThan(9_000_000)
    await driver.snapshot(at.volume, 's0')
    await sh(at.from, `head -c 2000000 /dev/urandom > ${live()}/second; sync -f ${live()}`)
    await sh(
      at.from,
      `systemd-run --quiet --unit=writes-${at.volume} bash -c 'while sleep 0.2; do head -c 400000 /dev/urandom > ${live()}/n-$((n++)); done'`,
    )
    const { bytes, writtenBytes, overMs } = await driver.changes(at.volume, 's0', 2)
    await sh(at.from, `systemctl stop writes-${at.volume}`)
    expect(bytes).toBeGreaterThan(1_900_000)
    expect(bytes).toBeLessThan(7_000_000)
    expect(overMs).toBeGreaterThanOrEqual(2000)
    expect(writtenBytes).toBeGreaterThan(0)
    expect((writtenBytes / overMs) * 1000).toBeLessThan(4_000_000)
    expect(await names(at.from)).toEqual(['s0'])
    await expect(driver.changes(at.volume, 'nothing', 0)).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
  })
}
