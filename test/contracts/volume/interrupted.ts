import { PassThrough } from 'node:stream'
import { randomBytes, randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import type { DriverBench } from './bench.ts'

/** Streams that do not arrive whole. */
export function interruptedCases(at: DriverBench): void {
  const { copy, find, give, live, names, sh, streamOf } = at

  test('a stream that is cut anywhere leaves nothing, and the next whole one is taken', async () => {
    await at.from.driver.create(at.volume)
    await sh(at.from, `head -c 400000 /dev/urandom > ${live()}/file; mkdir ${live()}/dir; touch ${live()}/dir/empty`)
    await at.from.driver.snapshot(at.volume, 's0')
    const stream = await streamOf('s0')
    const anywhere = Array.from({ length: 20 }, () => randomInt(2, stream.length - 1))
    const cuts = [0, 1, ...anywhere, stream.length - 1]
    for (const cut of cuts) {
      await expect(give(stream.subarray(0, cut), 's0'), `cut at ${String(cut)}`).rejects.toMatchObject({
        code: 'VOLUME_DRIVER',
      })
      expect(await find(at.to), `cut at ${String(cut)}`).toBeUndefined()
    }
    await give(stream, 's0')
    expect(await names(at.to)).toEqual(['s0'])
  }, 600_000)

  test('an increment that is cut leaves the snapshot before it usable', async () => {
    await at.from.driver.create(at.volume)
    await sh(at.from, `echo one > ${live()}/note`)
    await at.from.driver.snapshot(at.volume, 's0')
    await copy('s0')
    await sh(at.from, `head -c 300000 /dev/urandom > ${live()}/file`)
    await at.from.driver.snapshot(at.volume, 's1')
    const stream = await streamOf('s1', 's0')
    await expect(give(stream.subarray(0, stream.length - 100), 's1')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
    expect(await names(at.to)).toEqual(['s0'])
    await give(stream, 's1')
    expect(await names(at.to)).toEqual(['s0', 's1'])
  })

  test('one flipped bit is noticed and leaves nothing', async () => {
    await at.from.driver.create(at.volume)
    await sh(at.from, `head -c 400000 /dev/urandom > ${live()}/file`)
    await at.from.driver.snapshot(at.volume, 's0')
    const stream = await streamOf('s0')
    const middle = Math.floor(stream.length / 2)
    stream.writeUInt8(stream.readUInt8(middle) ^ 1, middle)
    await expect(give(stream, 's0')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
    expect(await find(at.to)).toBeUndefined()
  })

  test('garbage is no stream', async () => {
    await expect(give(randomBytes(5000), 's0')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
    expect(await find(at.to)).toBeUndefined()
  })

  test('a stream whose sender breaks off is not taken for one that ended', async () => {
    await at.from.driver.create(at.volume)
    await sh(at.from, `head -c 400000 /dev/urandom > ${live()}/file`)
    await at.from.driver.snapshot(at.volume, 's0')
    const stream = await streamOf('s0')
    const broken = new PassThrough()
    broken.write(stream.subarray(0, stream.length - 10))
    setImmediate(() => broken.destroy(new Error('the sender broke off')))
    await expect(at.to.driver.receive(at.volume, 's0', broken)).rejects.toThrow('the sender broke off')
    expect(await names(at.to)).toEqual([])
  })
}
