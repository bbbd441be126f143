import { expect, test } from 'vitest'
import { waitFor } from '../../../src/model/wait.ts'
import type { DriverBench } from './bench.ts'

const LIMIT = 20_000_000

/** The most a live copy may hold. */
export function limitCases(at: DriverBench): void {
  const { sh, live, find } = at
  const write = async (bytes: number, volume = at.volume) =>
    at.from.connection.script(
      `head -c ${String(bytes)} /dev/urandom > ${live(volume)}/file-${String(bytes)}; sync -f ${live(volume)}`,
    )

  test('a writer over the limit is refused, and its neighbour is not', async () => {
    const neighbour = `${at.volume}-neighbour`
    await at.from.driver.create(at.volume)
    await at.from.driver.create(neighbour)
    await at.from.driver.setLimit(at.volume, LIMIT)
    const refused = await write(30_000_000)
    expect(refused.stderr).toContain('Disk quota exceeded')
    expect(Number(await sh(at.from, `stat -c %s ${live()}/file-30000000`))).toBeLessThan(LIMIT * 1.1)
    expect(await write(30_000_000, neighbour)).toMatchObject({ stderr: '' })
  })

  test('a limit is listed, changed and taken away', async () => {
    await at.from.driver.create(at.volume)
    expect((await find(at.from))?.limitBytes).toBeUndefined()
    for (const bytes of [LIMIT, 2 * LIMIT, undefined]) {
      await at.from.driver.setLimit(at.volume, bytes)
      expect((await find(at.from))?.limitBytes).toBe(bytes)
    }
    expect(await write(50_000_000)).toMatchObject({ stderr: '' })
  })

  test('a limit below what is there lets files be deleted, and then be written', async () => {
    await at.from.driver.create(at.volume)
    await write(30_000_000)
    await at.from.driver.setLimit(at.volume, LIMIT)
    // ZFS counts what was written and deleted when it closes a transaction group.
    await waitFor(async () => ((await write(3_000_000)).stderr.includes('quota') ? true : undefined), {
      deadlineMs: 60_000,
      what: 'a writer to be refused',
    })
    await sh(at.from, `rm ${live()}/file-*`)
    await waitFor(async () => ((await write(3_000_000)).stderr === '' ? true : undefined), {
      deadlineMs: 60_000,
      what: 'the deleted files to be counted',
    })
  })

  test('a limit lasts through freezing, and goes with the live copy', async () => {
    await at.from.driver.create(at.volume)
    await at.from.driver.setLimit(at.volume, LIMIT)
    await at.from.driver.freeze(at.volume)
    await at.from.driver.thaw(at.volume)
    expect((await find(at.from))?.limitBytes).toBe(LIMIT)
    await at.from.driver.snapshot(at.volume, 's0')
    await at.copy('s0')
    await at.from.driver.demote(at.volume, 's0')
    for (const node of [at.from, at.to]) {
      await node.driver.promote(at.volume, 's0')
      expect((await find(node))?.limitBytes).toBeUndefined()
    }
    expect(await write(30_000_000)).toMatchObject({ stderr: '' })
  })

  test.each([0, -1, 1000, 1.5, Number.NaN, 1e16])('%d bytes are no limit', async (bytes) => {
    await expect(Promise.resolve().then(() => at.from.driver.setLimit(at.volume, bytes))).rejects.toThrow(/not a size/)
  })

  test('what has no live copy cannot be limited', async () => {
    await expect(at.from.driver.setLimit(at.volume, LIMIT)).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
  })
}
