import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { NODE_PATHS } from '../../src/model/names.ts'
import type { NodeVolumes } from '../../src/model/volume.ts'
import { VOLUME_PATHS } from '../../src/volumes/node-scripts.ts'
import type { PoolPair } from '../contracts/volume-driver.ts'
import { joinForTransfers, nodeVolumes, sh, startPoolPair } from './pool-nodes.ts'

let pair: PoolPair
let started: PoolPair | undefined
let source: NodeVolumes
let target: NodeVolumes
let volume: string

beforeAll(async () => {
  pair = started = await startPoolPair('btrfs')
  source = await nodeVolumes(pair.from.connection, 'btrfs')
  target = await nodeVolumes(pair.to.connection, 'btrfs')
  await joinForTransfers(pair)
})
afterAll(() => started?.close())
beforeEach(async () => {
  volume = `v-${randomBytes(4).toString('hex')}`
  await source.driver.create(volume)
  return async () => {
    for (const node of [source, target]) {
      await node.fence(volume, 1_000_000, 5)
      await node.stopTransfer(volume)
      await node.driver.destroy(volume)
      await node.forget(volume)
    }
  }
})

const onSource = (script: string) => sh(pair.from.connection, script)
const onTarget = (script: string) => sh(pair.to.connection, script)
const served = () => `${NODE_PATHS.served}/${volume}`
const state = async (node: NodeVolumes) => (await node.state()).find(({ name }) => name === volume)

describe('the right to serve a volume', () => {
  test('comes with a lease, lasts through a boot, and ends with a fence', async () => {
    await source.grant(volume, 3)
    expect(await state(source)).toMatchObject({ live: 'writable', served: true, leaseEpoch: 3, fencedEpoch: 0 })
    await onSource(`umount ${served()}; ${VOLUME_PATHS.serve} boot; mountpoint -q ${served()}`)
    expect(await source.fence(volume, 3, 5)).toEqual([])
    expect(await state(source)).toMatchObject({ live: 'frozen', served: false, leaseEpoch: 0, fencedEpoch: 3 })
    await onSource(`${VOLUME_PATHS.serve} boot; ! mountpoint -q ${served()}`)
  })

  test('is never given again under an epoch that was given up', async () => {
    await source.grant(volume, 3)
    await source.fence(volume, 3, 5)
    for (const epoch of [1, 2, 3]) {
      await expect(source.grant(volume, epoch)).rejects.toMatchObject({ code: 'EPOCH_FENCED' })
    }
    expect(await state(source)).toMatchObject({ live: 'frozen', served: false, leaseEpoch: 0 })
    await source.grant(volume, 4)
    expect(await state(source)).toMatchObject({ live: 'writable', served: true, leaseEpoch: 4 })
  })

  test('is not taken by a fence that is older than the lease', async () => {
    await source.grant(volume, 4)
    await expect(source.fence(volume, 3, 5)).rejects.toMatchObject({ code: 'EPOCH_FENCED' })
    expect(await state(source)).toMatchObject({ live: 'writable', served: true, leaseEpoch: 4, fencedEpoch: 0 })
  })

  test('a lease file older than the fence is worth nothing at boot', async () => {
    await source.grant(volume, 3)
    await source.fence(volume, 3, 5)
    await onSource(`echo 2 > ${VOLUME_PATHS.leases}/${volume}; ${VOLUME_PATHS.serve} boot`)
    expect(await state(source)).toMatchObject({ served: false, leaseEpoch: 0 })
  })

  test('without data there is nothing to serve', async () => {
    await expect(target.grant(volume, 1)).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
    expect(await state(target)).toBeUndefined()
  })

  test('a copy is retired only where it was fenced last at just that epoch', async () => {
    await source.grant(volume, 3)
    await expect(source.retire(volume, 3, 's')).rejects.toMatchObject({ code: 'EPOCH_FENCED' })
    await source.fence(volume, 3, 5)
    await expect(source.retire(volume, 2, 's')).rejects.toMatchObject({ code: 'EPOCH_FENCED' })
    expect((await state(source))?.live).toBe('frozen')
    await source.retire(volume, 3, 's')
    expect(await state(source)).toMatchObject({ live: 'absent', snapshots: [{ name: 's' }] })
  })
})

describe('a volume that is in use', () => {
  test.each([
    ['a shell in its directory', (path: string) => `cd ${path}; exec sleep 300`, 'file'],
    ['an open file', (path: string) => `exec sleep 300 >${path}/open`, 'file'],
    [
      'another mount namespace',
      (path: string) => `exec unshare --mount --propagation private sh -c 'exec sleep 300' -- ${path}`,
      'mount',
    ],
  ] as const)('by %s is not fenced, and the user is named', async (_, command, kind) => {
    await source.grant(volume, 1)
    const unit = `use-${volume}`
    await pair.from.connection.exec({
      argv: ['systemd-run', '--quiet', `--unit=${unit}`, 'sh', '-c', command(served())],
    })
    try {
      await onSource(
        `n=0; until ${VOLUME_PATHS.serve} holders ${volume} | grep -q sleep; do n=$((n+1)); [ $n -lt 100 ]; sleep 0.05; done`,
      )
      const holders = await source.fence(volume, 1, 1)
      expect(holders).toContainEqual(expect.objectContaining({ kind, command: 'sleep' }))
      expect(await state(source)).toMatchObject({ live: 'writable', served: true, leaseEpoch: 1, fencedEpoch: 0 })
    } finally {
      await onSource(`systemctl stop ${unit}`)
    }
    expect(await source.fence(volume, 1, 5)).toEqual([])
  })

  test('cannot be entered any more once the fence has seen that nobody is in it', async () => {
    await source.grant(volume, 1)
    const unit = `late-${volume}`
    const wrapper = '/usr/local/sbin/sync'
    // The node's disk takes its time over the fence, and a container comes in meanwhile, with a mount of its own.
    const enter = `exec 3>>${served()}/late && exec sleep 300`
    await onSource(`cat >${wrapper} <<'END'
#!/bin/sh
systemd-run --quiet --unit=${unit}-$$ unshare --mount --propagation private bash -c '${enter}'
sleep 1
exec /usr/bin/sync "$@"
END
chmod 755 ${wrapper}`)
    try {
      expect(await source.fence(volume, 1, 5)).toEqual([])
      expect(await source.holders(volume)).toEqual([])
      expect(await state(source)).toMatchObject({ live: 'frozen', served: false, leaseEpoch: 0, fencedEpoch: 1 })
    } finally {
      await onSource(`rm ${wrapper}; systemctl stop '${unit}-*'; systemctl reset-failed '${unit}-*'`)
    }
  })
})

describe('the transfer key', () => {
  const ask = (words: string) =>
    pair.from.connection.exec({ argv: ['ssh', '-F', VOLUME_PATHS.transferConfig, 'node2', words] })

  test('is answered', async () => {
    expect(await ask('ping')).toMatchObject({ status: 0, stdout: 'pong\n' })
  })

  test.each([
    'id',
    'receive',
    'receive a',
    'receive a b c',
    'receive ../a b',
    'receive a b; id',
    'receive a $(id)',
    'receive a b\nid',
    'receive A b',
    'receive -a b',
    'list a/../b',
    'ping x',
  ])('can not say %j', async (words) => {
    const { status, stdout } = await ask(words)
    expect(status).toBe(64)
    expect(stdout).toBe('')
  })

  test('opens no shell and forwards nothing', async () => {
    const { status, stdout } = await pair.from.connection.exec({
      argv: ['ssh', '-F', VOLUME_PATHS.transferConfig, 'node2'],
    })
    expect(status).toBe(64)
    expect(stdout).toBe('')
  })
})

describe('a transfer', () => {
  const watch = { onProgress: () => undefined }
  const job = (snapshot: string, since?: string) => ({ volume, snapshot, since, target: 'node2' })

  test('brings a snapshot to the other node, whole, then an increment', async () => {
    await onSource(`head -c 3000000 /dev/urandom > ${NODE_PATHS.pool}/live/${volume}/file`)
    const first = await source.driver.snapshot(volume, 's0')
    expect(await source.transfer(job('s0'), watch)).toBeGreaterThan(3_000_000)
    await onSource(`echo more > ${NODE_PATHS.pool}/live/${volume}/more`)
    const second = await source.driver.snapshot(volume, 's1')
    expect(await source.transfer(job('s1', 's0'), watch)).toBeLessThan(100_000)
    expect((await state(target))?.snapshots).toMatchObject([first, second])
  })

  test('goes on when nobody waits for it any more, and can be waited for again', async () => {
    await onSource(`head -c 400000000 /dev/urandom > ${NODE_PATHS.pool}/live/${volume}/file`)
    const snapshot = await source.driver.snapshot(volume, 's0')
    const abort = new AbortController()
    const left = expect(source.transfer(job('s0'), { ...watch, signal: abort.signal })).rejects.toThrow('left alone')
    await onSource(
      `n=0; until ${VOLUME_PATHS.send} job ${volume} | grep -q ^active; do n=$((n+1)); [ $n -lt 200 ]; sleep 0.02; done`,
    )
    abort.abort(new Error('left alone'))
    await left
    expect(await source.transferJob(volume)).toMatchObject({ snapshot: 's0', target: 'node2', active: true })
    await expect(source.transfer(job('s0'), watch)).rejects.toMatchObject({ code: 'TRANSFER_BUSY' })
    expect(await source.followTransfer(volume, watch)).toBeGreaterThan(400_000_000)
    expect((await state(target))?.snapshots).toMatchObject([snapshot])
  })

  test('that is stopped leaves nothing at the other end, and the next one succeeds', async () => {
    await onSource(`head -c 400000000 /dev/urandom > ${NODE_PATHS.pool}/live/${volume}/file`)
    const snapshot = await source.driver.snapshot(volume, 's0')
    const broken = expect(source.transfer(job('s0'), watch)).rejects.toMatchObject({ code: 'TRANSFER_FAILED' })
    await onTarget(
      `n=0; until [ -e ${NODE_PATHS.pool}/snap/${volume}/s0 ]; do n=$((n+1)); [ $n -lt 400 ]; sleep 0.02; done`,
    )
    await source.stopTransfer(volume)
    await broken
    await source.transfer(job('s0'), watch)
    expect((await state(target))?.snapshots).toMatchObject([snapshot])
  })

  test('that fails says what the ends said', async () => {
    await source.driver.snapshot(volume, 's0')
    await source.transfer(job('s0'), watch)
    await expect(source.transfer(job('s0'), watch)).rejects.toThrow(/is here already/)
  })
})
