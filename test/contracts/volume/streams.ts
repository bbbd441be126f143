import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import type { DriverBench } from './bench.ts'

/** zfs-fuse takes minutes for as many as btrfs takes seconds for: it has them where tests may take long. */
const MANY_FILES = { btrfs: 100_000, zfs: process.env['LAB_TORTURE'] === undefined ? 10_000 : 100_000 } as const

/** What arrives. */
export function streamsCases(at: DriverBench): void {
  const { copy, find, give, live, sh, streamOf } = at

  test('a whole stream arrives with everything files have, under the identity it was sent with', async () => {
    await at.from.driver.create(at.volume)
    await sh(
      at.from,
      `cd ${live()}
mkdir -p dir/sub 'with space'; head -c 3000000 /dev/urandom > dir/random; echo text > 'with space/ü'
ln -s ../text dir/link; ln dir/random dir/sub/hard; truncate -s 100M sparse; printf x | dd of=sparse bs=1 seek=50000000 conv=notrunc status=none
mkfifo pipe; chmod 4751 dir/random; chown 1234:5678 'with space/ü'; touch -d '2001-02-03 04:05:06.789' dir/random
mknod device c 1 3; mkdir -m 1777 sticky; touch empty
perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un("socket")) or die $!'`,
    )
    const sent = await at.from.driver.snapshot(at.volume, 's0')
    const arrived = await copy('s0')
    expect(arrived).toEqual(sent)
    expect((await find(at.to))?.snapshots).toMatchObject([sent])
    expect((await find(at.to))?.live).toBe('absent')
    await at.to.driver.promote(at.volume, 's0')
    expect(await at.sameTree('s0')).toBe(true)
  })

  test('very many small files arrive', async () => {
    const files = MANY_FILES[at.name]
    await at.from.driver.create(at.volume)
    const write = `for my $n (0..${String(files - 1)}) {
      my $dir = int($n / 1000); mkdir $dir if $n % 1000 == 0; open my $file, ">", "$dir/$n" or die $!; print $file $n }`
    await sh(at.from, `cd ${live()}; perl -e '${write}'`)
    await at.from.driver.snapshot(at.volume, 's0')
    await copy('s0')
    await at.to.driver.promote(at.volume, 's0')
    expect(await sh(at.to, `find ${live()} -type f | wc -l`)).toBe(String(files))
    expect(await at.sameTree('s0')).toBe(true)
  }, 600_000)

  test('an empty volume can be sent', async () => {
    await at.from.driver.create(at.volume)
    await at.from.driver.snapshot(at.volume, 's0')
    await copy('s0')
    await at.to.driver.promote(at.volume, 's0')
    expect(await sh(at.to, `ls -A ${live()}`)).toBe('')
  })

  test('an increment holds what changed, and little more', async () => {
    await at.from.driver.create(at.volume)
    await sh(at.from, `head -c 20000000 /dev/urandom > ${live()}/big; echo gone > ${live()}/gone`)
    await at.from.driver.snapshot(at.volume, 's0')
    await copy('s0')
    await sh(at.from, `cd ${live()}; head -c 500000 /dev/urandom > new; rm gone; mv big moved`)
    const sent = await at.from.driver.snapshot(at.volume, 's1')
    const stream = await streamOf('s1', 's0')
    expect(stream.length).toBeLessThan(1_000_000)
    expect(await give(stream, 's1')).toEqual(sent)
    await at.to.driver.promote(at.volume, 's1')
    expect(await at.sameTree('s1')).toBe(true)
  })

  test('a volume goes there and back, each time by an increment', async () => {
    await at.from.driver.create(at.volume)
    await sh(at.from, `head -c 10000000 /dev/urandom > ${live()}/big; echo one > ${live()}/note`)
    await at.from.driver.snapshot(at.volume, 's0')
    await copy('s0')
    await at.from.driver.freeze(at.volume)
    await at.from.driver.demote(at.volume, 's0')
    await at.to.driver.promote(at.volume, 's0')
    await sh(at.to, `echo two >> ${live()}/note`)
    const sent = await at.to.driver.snapshot(at.volume, 's1')
    const stream = await buffer(await at.to.driver.send(at.volume, 's1', 's0'))
    expect(stream.length).toBeLessThan(1_000_000)
    expect(await at.from.driver.receive(at.volume, 's1', Readable.from([stream]))).toEqual(sent)
    await at.from.driver.promote(at.volume, 's1')
    expect(await sh(at.from, `cat ${live()}/note`)).toBe('one\ntwo')
    expect(await at.sameTree('s1')).toBe(true)
  })

  test('an increment without its base is refused', async () => {
    await at.from.driver.create(at.volume)
    await at.from.driver.snapshot(at.volume, 's0')
    await sh(at.from, `touch ${live()}/file`)
    await at.from.driver.snapshot(at.volume, 's1')
    await expect(give(await streamOf('s1', 's0'), 's1')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
    expect(await find(at.to)).toBeUndefined()
  })

  test('a snapshot that is there already is not received again', async () => {
    await at.from.driver.create(at.volume)
    await at.from.driver.snapshot(at.volume, 's0')
    const stream = await streamOf('s0')
    const first = await give(stream, 's0')
    await expect(give(stream, 's0')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
    expect((await find(at.to))?.snapshots).toMatchObject([first])
  })

  test('sending what is not there fails, also when nobody looks at the status', async () => {
    await at.from.driver.create(at.volume)
    await expect(streamOf('nothing')).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
  })

  test('ten thousand small files arrive as they were', async () => {
    await at.from.driver.create(at.volume)
    await sh(
      at.from,
      `cd ${live()}; for i in $(seq 100); do mkdir d$i; for j in $(seq 100); do echo $i $j > d$i/f$j; done; done`,
    )
    await at.from.driver.snapshot(at.volume, 's0')
    await copy('s0')
    expect(await at.sameTree('s0')).toBe(true)
  })
}
