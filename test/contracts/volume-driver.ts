import { createHash, randomBytes } from 'node:crypto'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Connection } from '../../src/model/connection.ts'
import { NODE_PATHS } from '../../src/model/names.ts'
import { waitFor } from '../../src/model/wait.ts'
import type { LocalVolume, VolumeDriver, VolumeDriverName } from '../../src/model/volume.ts'

/** A node with a pool and the volume scripts on it, and the driver under test there. */
export interface PoolNode {
  readonly connection: Connection
  readonly driver: VolumeDriver
}

/** Two such nodes. */
export interface PoolPair {
  readonly from: PoolNode
  readonly to: PoolNode
  close(): Promise<void>
}

/** What every volume driver must do, on real pools. `open` is called once. */
export function volumeDriverContract(name: VolumeDriverName, open: () => Promise<PoolPair>): void {
  describe(`${name} volumes`, () => {
    let from: PoolNode
    let to: PoolNode
    let volume: string
    let counter = 0

    let pair: PoolPair | undefined
    beforeAll(async () => {
      pair = await open()
      ;({ from, to } = pair)
    })
    afterAll(() => pair?.close())
    beforeEach(() => {
      volume = `contract-${String(++counter)}-${randomBytes(3).toString('hex')}`
      return async () => {
        await Promise.all([from.driver.destroy(volume), to.driver.destroy(volume)])
      }
    })

    const live = () => `${NODE_PATHS.pool}/live/${volume}`
    const sh = async (node: PoolNode, script: string): Promise<string> => {
      const { status, stdout, stderr } = await node.connection.script(script)
      if (status !== 0) throw new Error(`status ${String(status)}: ${stderr}`)
      return stdout.trim()
    }
    const find = async (node: PoolNode): Promise<LocalVolume | undefined> =>
      (await node.driver.list()).find((each) => each.name === volume)
    const names = async (node: PoolNode) => (await find(node))?.snapshots.map((each) => each.name) ?? []
    const streamOf = async (snapshot: string, since?: string) => buffer(await from.driver.send(volume, snapshot, since))
    const give = (bytes: Uint8Array, snapshot: string) => to.driver.receive(volume, snapshot, Readable.from([bytes]))
    /** Copies a snapshot over and returns what arrived. */
    const copy = async (snapshot: string, since?: string) =>
      to.driver.receive(volume, snapshot, await from.driver.send(volume, snapshot, since))
    /** Every path with type, mode, owner, size, times, links, content and attributes. */
    const tree = (node: PoolNode) =>
      sh(
        node,
        `cd ${live()} && find . -mindepth 1 -printf '%P %y %m %U:%G %s %n %l %T@\\n' | sed '/ d /s/ [0-9]* [0-9]* / /' | sort
find . -type f -print0 | sort -z | xargs -0r sha256sum; getfattr -dR -m - . 2>/dev/null || true`,
      )

    test('a created volume is empty, writable and listed', async () => {
      await from.driver.create(volume)
      expect(await find(from)).toEqual({ name: volume, live: 'writable', snapshots: [] })
      expect(await sh(from, `ls -A ${live()}; touch ${live()}/a; ls -A ${live()}`)).toBe('a')
    })

    test('creating a volume that is there leaves its data alone', async () => {
      await from.driver.create(volume)
      await sh(from, `echo kept > ${live()}/file`)
      await from.driver.create(volume)
      expect(await sh(from, `cat ${live()}/file`)).toBe('kept')
    })

    test.each(['', '../x', 'a/b', 'A', '-a', 'a-', 'a b', 'a\nb', 'a'.repeat(64)])(
      'the name %j reaches no path',
      async (bad) => {
        await expect(Promise.resolve().then(() => from.driver.create(bad))).rejects.toThrow(/name/)
        await expect(Promise.resolve().then(() => from.driver.destroy(bad))).rejects.toThrow(/name/)
        await expect(Promise.resolve().then(() => from.driver.snapshot(volume, bad))).rejects.toThrow(/name/)
      },
    )

    test('names may have 63 characters', async () => {
      const long = `long-${'x'.repeat(50)}-${randomBytes(3).toString('hex')}9`
      expect(long).toHaveLength(63)
      await from.driver.create(long)
      try {
        await from.driver.snapshot(long, 's'.repeat(63))
        expect((await from.driver.list()).find((each) => each.name === long)?.snapshots).toHaveLength(1)
      } finally {
        await from.driver.destroy(long)
      }
    })

    test('a snapshot keeps what was there when it was taken', async () => {
      await from.driver.create(volume)
      await sh(from, `echo before > ${live()}/file`)
      await from.driver.snapshot(volume, 's0')
      await sh(from, `echo after > ${live()}/file`)
      await copy('s0')
      await to.driver.promote(volume, 's0')
      expect(await sh(to, `cat ${live()}/file`)).toBe('before')
    })

    test('snapshots are listed in the order they were taken', async () => {
      await from.driver.create(volume)
      for (const snapshot of ['zz', 'aa', 'mm']) await from.driver.snapshot(volume, snapshot)
      expect(await names(from)).toEqual(['zz', 'aa', 'mm'])
    })

    test('a second snapshot of one name is refused and the first kept', async () => {
      await from.driver.create(volume)
      const first = await from.driver.snapshot(volume, 's0')
      await sh(from, `touch ${live()}/later`)
      await expect(from.driver.snapshot(volume, 's0')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
      expect((await find(from))?.snapshots).toMatchObject([first])
    })

    test('a volume without a live copy cannot be snapshotted', async () => {
      await expect(from.driver.snapshot(volume, 's0')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
    })

    test('deleting a snapshot leaves the others, and deleting none is no error', async () => {
      await from.driver.create(volume)
      await from.driver.snapshot(volume, 's0')
      await from.driver.snapshot(volume, 's1')
      await from.driver.deleteSnapshot(volume, 's0')
      await from.driver.deleteSnapshot(volume, 's0')
      expect(await names(from)).toEqual(['s1'])
    })

    test('a whole stream arrives with everything files have, under the identity it was sent with', async () => {
      await from.driver.create(volume)
      await sh(
        from,
        `cd ${live()}
mkdir -p dir/sub 'with space'; head -c 3000000 /dev/urandom > dir/random; echo text > 'with space/ü'
ln -s ../text dir/link; ln dir/random dir/sub/hard; truncate -s 100M sparse; printf x | dd of=sparse bs=1 seek=50000000 conv=notrunc status=none
mkfifo pipe; chmod 4751 dir/random; chown 1234:5678 'with space/ü'; touch -d '2001-02-03 04:05:06.789' dir/random
mknod device c 1 3; mkdir -m 1777 sticky; touch empty`,
      )
      const sent = await from.driver.snapshot(volume, 's0')
      const arrived = await copy('s0')
      expect(arrived).toEqual(sent)
      expect((await find(to))?.snapshots).toMatchObject([sent])
      expect((await find(to))?.live).toBe('absent')
      await to.driver.promote(volume, 's0')
      expect(await tree(to)).toBe(await tree(from))
    })

    test('an empty volume can be sent', async () => {
      await from.driver.create(volume)
      await from.driver.snapshot(volume, 's0')
      await copy('s0')
      await to.driver.promote(volume, 's0')
      expect(await sh(to, `ls -A ${live()}`)).toBe('')
    })

    test('an increment holds what changed, and little more', async () => {
      await from.driver.create(volume)
      await sh(from, `head -c 20000000 /dev/urandom > ${live()}/big; echo gone > ${live()}/gone`)
      await from.driver.snapshot(volume, 's0')
      await copy('s0')
      await sh(from, `cd ${live()}; head -c 500000 /dev/urandom > new; rm gone; mv big moved`)
      const sent = await from.driver.snapshot(volume, 's1')
      const stream = await streamOf('s1', 's0')
      expect(stream.length).toBeLessThan(1_000_000)
      expect(await give(stream, 's1')).toEqual(sent)
      await to.driver.promote(volume, 's1')
      expect(await tree(to)).toBe(await tree(from))
    })

    test('a volume goes there and back, each time by an increment', async () => {
      await from.driver.create(volume)
      await sh(from, `head -c 10000000 /dev/urandom > ${live()}/big; echo one > ${live()}/note`)
      await from.driver.snapshot(volume, 's0')
      await copy('s0')
      await from.driver.freeze(volume)
      await from.driver.demote(volume, 's0')
      await to.driver.promote(volume, 's0')
      await sh(to, `echo two >> ${live()}/note`)
      const sent = await to.driver.snapshot(volume, 's1')
      const stream = await buffer(await to.driver.send(volume, 's1', 's0'))
      expect(stream.length).toBeLessThan(1_000_000)
      expect(await from.driver.receive(volume, 's1', Readable.from([stream]))).toEqual(sent)
      await from.driver.promote(volume, 's1')
      expect(await sh(from, `cat ${live()}/note`)).toBe('one\ntwo')
      expect(await tree(from)).toBe(await tree(to))
    })

    test('a stream that is cut anywhere leaves nothing, and the next whole one is taken', async () => {
      await from.driver.create(volume)
      await sh(from, `head -c 400000 /dev/urandom > ${live()}/file; mkdir ${live()}/dir; touch ${live()}/dir/empty`)
      await from.driver.snapshot(volume, 's0')
      const stream = await streamOf('s0')
      const cuts = [0, 1, 17, 100, Math.floor(stream.length / 2), stream.length - 1]
      for (const cut of cuts) {
        await expect(give(stream.subarray(0, cut), 's0'), `cut at ${String(cut)}`).rejects.toMatchObject({
          code: 'VOLUME_DRIVER',
        })
        expect(await find(to), `cut at ${String(cut)}`).toBeUndefined()
      }
      await give(stream, 's0')
      expect(await names(to)).toEqual(['s0'])
    })

    test('an increment that is cut leaves the snapshot before it usable', async () => {
      await from.driver.create(volume)
      await sh(from, `echo one > ${live()}/note`)
      await from.driver.snapshot(volume, 's0')
      await copy('s0')
      await sh(from, `head -c 300000 /dev/urandom > ${live()}/file`)
      await from.driver.snapshot(volume, 's1')
      const stream = await streamOf('s1', 's0')
      await expect(give(stream.subarray(0, stream.length - 100), 's1')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
      expect(await names(to)).toEqual(['s0'])
      await give(stream, 's1')
      expect(await names(to)).toEqual(['s0', 's1'])
    })

    test('one flipped bit is noticed and leaves nothing', async () => {
      await from.driver.create(volume)
      await sh(from, `head -c 400000 /dev/urandom > ${live()}/file`)
      await from.driver.snapshot(volume, 's0')
      const stream = await streamOf('s0')
      const middle = Math.floor(stream.length / 2)
      stream.writeUInt8(stream.readUInt8(middle) ^ 1, middle)
      await expect(give(stream, 's0')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
      expect(await find(to)).toBeUndefined()
    })

    test('garbage is no stream', async () => {
      await expect(give(randomBytes(5000), 's0')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
      expect(await find(to)).toBeUndefined()
    })

    test('a stream whose sender breaks off is not taken for one that ended', async () => {
      await from.driver.create(volume)
      await sh(from, `head -c 400000 /dev/urandom > ${live()}/file`)
      await from.driver.snapshot(volume, 's0')
      const stream = await streamOf('s0')
      const broken = new PassThrough()
      broken.write(stream.subarray(0, stream.length - 10))
      setImmediate(() => broken.destroy(new Error('the sender broke off')))
      await expect(to.driver.receive(volume, 's0', broken)).rejects.toThrow('the sender broke off')
      expect(await names(to)).toEqual([])
    })

    test('an increment without its base is refused', async () => {
      await from.driver.create(volume)
      await from.driver.snapshot(volume, 's0')
      await sh(from, `touch ${live()}/file`)
      await from.driver.snapshot(volume, 's1')
      await expect(give(await streamOf('s1', 's0'), 's1')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
      expect(await find(to)).toBeUndefined()
    })

    test('a snapshot that is there already is not received again', async () => {
      await from.driver.create(volume)
      await from.driver.snapshot(volume, 's0')
      const stream = await streamOf('s0')
      const first = await give(stream, 's0')
      await expect(give(stream, 's0')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
      expect((await find(to))?.snapshots).toMatchObject([first])
    })

    test('sending what is not there fails, also when nobody looks at the status', async () => {
      await from.driver.create(volume)
      await expect(streamOf('nothing')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
    })

    test('a frozen volume refuses writes until it is thawed', async () => {
      await from.driver.create(volume)
      await from.driver.freeze(volume)
      await from.driver.freeze(volume)
      expect((await find(from))?.live).toBe('frozen')
      await expect(sh(from, `touch ${live()}/file`)).rejects.toThrow(/[Rr]ead-only/)
      await from.driver.thaw(volume)
      expect((await find(from))?.live).toBe('writable')
      await sh(from, `touch ${live()}/file`)
    })

    test('a frozen volume can be snapshotted and sent', async () => {
      await from.driver.create(volume)
      await sh(from, `echo last > ${live()}/note`)
      await from.driver.freeze(volume)
      await from.driver.snapshot(volume, 's0')
      await copy('s0')
      await to.driver.promote(volume, 's0')
      expect((await find(to))?.live).toBe('writable')
      expect(await sh(to, `cat ${live()}/note`)).toBe('last')
    })

    test('a live copy is never replaced by promoting', async () => {
      await from.driver.create(volume)
      await from.driver.snapshot(volume, 's0')
      await sh(from, `echo newer > ${live()}/note`)
      await expect(from.driver.promote(volume, 's0')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
      expect(await sh(from, `cat ${live()}/note; ls ${live()}`)).toBe('newer\nnote')
    })

    test('promoting what is not there fails and leaves no live copy', async () => {
      await from.driver.create(volume)
      await from.driver.snapshot(volume, 's0')
      await copy('s0')
      await expect(to.driver.promote(volume, 'other')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
      expect((await find(to))?.live).toBe('absent')
    })

    test('demoting leaves a read-only snapshot of what was there', async () => {
      await from.driver.create(volume)
      await sh(from, `echo kept > ${live()}/note`)
      await from.driver.demote(volume, 'orphan-1')
      expect(await find(from)).toMatchObject({ live: 'absent', snapshots: [{ name: 'orphan-1' }] })
      await from.driver.promote(volume, 'orphan-1')
      expect(await sh(from, `cat ${live()}/note`)).toBe('kept')
    })

    test('used and free bytes follow what is written', async () => {
      await from.driver.create(volume)
      const before = await from.driver.usage()
      expect(before.freeBytes).toBeGreaterThan(0)
      expect(before.totalBytes).toBeGreaterThan(before.freeBytes)
      await sh(from, `head -c 8000000 /dev/urandom > ${live()}/file; sync`)
      // A filesystem may count later (ZFS: when it closes a transaction group) what it was given.
      const used = await waitFor(
        async () => {
          const bytes = await from.driver.usedBytes(volume)
          return bytes > 7_000_000 ? bytes : undefined
        },
        { deadlineMs: 60_000, what: 'the written bytes to be counted' },
      )
      expect(used).toBeLessThan(12_000_000)
      expect((await from.driver.usage()).totalBytes).toBe(before.totalBytes)
    })

    test('a destroyed volume leaves nothing, and destroying it again is no error', async () => {
      await from.driver.create(volume)
      await sh(from, `touch ${live()}/file`)
      await from.driver.snapshot(volume, 's0')
      await from.driver.snapshot(volume, 's1')
      await from.driver.destroy(volume)
      await from.driver.destroy(volume)
      expect(await find(from)).toBeUndefined()
      expect(await sh(from, `ls -A ${NODE_PATHS.pool}/live ${NODE_PATHS.pool}/snap 2>/dev/null || true`)).not.toContain(
        volume,
      )
    })

    test('two volumes with the same snapshot names do not touch each other', async () => {
      const other = `${volume}-b`
      await from.driver.create(volume)
      await from.driver.create(other)
      try {
        const [one, two] = await Promise.all([from.driver.snapshot(volume, 's0'), from.driver.snapshot(other, 's0')])
        expect(one.identity).not.toBe(two.identity)
        await from.driver.destroy(other)
        expect(await names(from)).toEqual(['s0'])
      } finally {
        await from.driver.destroy(other)
      }
    })

    test('ten thousand small files arrive as they were', async () => {
      await from.driver.create(volume)
      await sh(
        from,
        `cd ${live()}; for i in $(seq 100); do mkdir d$i; for j in $(seq 100); do echo $i $j > d$i/f$j; done; done`,
      )
      await from.driver.snapshot(volume, 's0')
      await copy('s0')
      await to.driver.promote(volume, 's0')
      const digest = (text: string) => createHash('sha256').update(text).digest('hex')
      expect(digest(await tree(to))).toBe(digest(await tree(from)))
    })
  })
}
