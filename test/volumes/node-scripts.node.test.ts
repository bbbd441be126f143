import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { NODE_PATHS } from '../../src/model/names.ts'
import type { NodeVolumes } from '../../src/model/volume.ts'
import { VOLUME_PATHS } from '../../src/volumes/node-scripts.ts'
import { lastCandidate } from '../../src/volumes/promote.ts'
import { idleRecord } from './idle-record.ts'
import { sharedPair } from './pool-nodes.ts'

const shared = sharedPair('btrfs')
const { onSource, onTarget } = shared
const served = () => `${NODE_PATHS.served}/${shared.volume}`
const state = async (node: NodeVolumes) => (await node.state()).find(({ name }) => name === shared.volume)

describe('the right to serve a volume', () => {
  test('comes with a lease, lasts through a boot, and ends with a fence', async () => {
    await shared.source.grant(shared.volume, 3)
    expect(await state(shared.source)).toMatchObject({ live: 'writable', served: true, leaseEpoch: 3, fencedEpoch: 0 })
    await onSource(`umount ${served()}; ${VOLUME_PATHS.serve} boot; mountpoint -q ${served()}`)
    expect((await shared.source.fence(shared.volume, 3, 5)).holders).toEqual([])
    expect(await state(shared.source)).toMatchObject({ live: 'frozen', served: false, leaseEpoch: 0, fencedEpoch: 3 })
    await onSource(`${VOLUME_PATHS.serve} boot; ! mountpoint -q ${served()}`)
  })

  test('is fenced with a snapshot of what was there last, which is taken once', async () => {
    const fence = () => shared.source.fence(shared.volume, 1, 5, { snapshot: 'last' })
    await shared.source.grant(shared.volume, 1)
    await onSource(`echo kept >${served()}/file`)
    const first = await fence()
    expect(first).toMatchObject({ holders: [], snapshot: { name: 'last' } })
    const now = await state(shared.source)
    expect(now).toMatchObject({ live: 'frozen', fencedEpoch: 1, snapshots: [first.snapshot] })
    expect(await onSource(`cat ${NODE_PATHS.pool}/snap/${shared.volume}/last/file`)).toBe('kept')
    expect(await fence()).toEqual(first)
    expect(await shared.target.fence(shared.volume, 1, 5, { snapshot: 'last' })).toEqual({ holders: [] })
  })

  test('is never given again under an epoch that was given up', async () => {
    await shared.source.grant(shared.volume, 3)
    await shared.source.fence(shared.volume, 3, 5)
    for (const epoch of [1, 2, 3]) {
      await expect(shared.source.grant(shared.volume, epoch)).rejects.toMatchObject({ code: 'EPOCH_FENCED' })
    }
    expect(await state(shared.source)).toMatchObject({ live: 'frozen', served: false, leaseEpoch: 0 })
    await shared.source.grant(shared.volume, 4)
    expect(await state(shared.source)).toMatchObject({ live: 'writable', served: true, leaseEpoch: 4 })
  })

  test('is not taken by a fence that is older than the lease', async () => {
    await shared.source.grant(shared.volume, 4)
    await expect(shared.source.fence(shared.volume, 3, 5)).rejects.toMatchObject({ code: 'EPOCH_FENCED' })
    expect(await state(shared.source)).toMatchObject({ live: 'writable', served: true, leaseEpoch: 4, fencedEpoch: 0 })
  })

  test('a lease file older than the fence is worth nothing at boot', async () => {
    await shared.source.grant(shared.volume, 3)
    await shared.source.fence(shared.volume, 3, 5)
    await onSource(`echo 2 > ${VOLUME_PATHS.leases}/${shared.volume}; ${VOLUME_PATHS.serve} boot`)
    expect(await state(shared.source)).toMatchObject({ served: false, leaseEpoch: 0 })
  })

  test('without data there is nothing to serve', async () => {
    await expect(shared.target.grant(shared.volume, 1)).rejects.toMatchObject({ code: 'VOLUME_DRIVER' })
    expect(await state(shared.target)).toBeUndefined()
  })

  test('a copy is retired only where it was fenced last at just that epoch', async () => {
    await shared.source.grant(shared.volume, 3)
    await expect(shared.source.retire(shared.volume, 3, 's')).rejects.toMatchObject({ code: 'EPOCH_FENCED' })
    await shared.source.fence(shared.volume, 3, 5)
    await expect(shared.source.retire(shared.volume, 2, 's')).rejects.toMatchObject({ code: 'EPOCH_FENCED' })
    expect((await state(shared.source))?.live).toBe('frozen')
    await shared.source.retire(shared.volume, 3, 's')
    expect(await state(shared.source)).toMatchObject({ live: 'absent', snapshots: [{ name: 's' }] })
  })
})

describe('the transfer key', () => {
  const ask = (words: string) =>
    shared.pair.from.connection.exec({ argv: ['ssh', '-F', VOLUME_PATHS.transferConfig, 'node2', words] })

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
    'take ../a b',
    'take a',
    'list a/../b',
    'ping x',
  ])('can not say %j', async (words) => {
    const { status, stdout } = await ask(words)
    expect(status).toBe(64)
    expect(stdout).toBe('')
  })

  test('opens no shell and forwards nothing', async () => {
    const { status, stdout } = await shared.pair.from.connection.exec({
      argv: ['ssh', '-F', VOLUME_PATHS.transferConfig, 'node2'],
    })
    expect(status).toBe(64)
    expect(stdout).toBe('')
  })
})

describe('a transfer', () => {
  const watch = { onProgress: () => undefined }
  const job = (snapshot: string, since?: string) => ({ volume: shared.volume, snapshot, since, target: 'node2' })

  test('brings a snapshot to the other node, whole, then an increment', async () => {
    await onSource(`head -c 3000000 /dev/urandom > ${NODE_PATHS.pool}/live/${shared.volume}/file`)
    const first = await shared.source.driver.snapshot(shared.volume, 's0')
    expect(await shared.source.transfer(job('s0'), watch)).toBeGreaterThan(3_000_000)
    await onSource(`echo more > ${NODE_PATHS.pool}/live/${shared.volume}/more`)
    const second = await shared.source.driver.snapshot(shared.volume, 's1')
    expect(await shared.source.transfer(job('s1', 's0'), watch)).toBeLessThan(100_000)
    expect((await state(shared.target))?.snapshots).toMatchObject([first, second])
  })

  test('goes through ssh where nodes are on machines of their own', async () => {
    const beside = VOLUME_PATHS.transferBeside
    await onSource(`head -c 3000000 /dev/urandom > ${NODE_PATHS.pool}/live/${shared.volume}/file; rm ${beside}`)
    try {
      const snapshot = await shared.source.driver.snapshot(shared.volume, 's0')
      expect(await shared.source.transfer(job('s0'), watch)).toBeGreaterThan(3_000_000)
      expect((await state(shared.target))?.snapshots).toMatchObject([snapshot])
    } finally {
      await onSource(`touch ${beside}`)
    }
  })

  test('is not taken from whoever else finds the way to the receiver', async () => {
    const address = await onTarget("hostname -I | cut -d' ' -f1")
    const script = `
      mkfifo /run/said && exec 5<>/run/said
      sleep 60 2>/dev/null | ssh -F ${VOLUME_PATHS.transferConfig} node2 take ${shared.volume} s0 >&5 2>&5 &
      read -t 30 -r _ at port token <&5
      exec 6<>/dev/tcp/$at/$port; printf '%s' "x\${token:1}garbage" >&6; cat <&6
      exec 7<>/dev/tcp/$at/$port; printf '%s' "$token" >&7; exec 7>&-
      read -t 30 -r refused <&5; rm /run/said; kill $(jobs -p); echo "$at $refused"`
    const { stdout: lines } = await shared.pair.from.connection.exec({ argv: ['bash', '-c', script] })
    expect(lines).toContain(address)
    expect(lines).toMatch(/empty stream|did not end well/)
    expect(await state(shared.target)).toBeUndefined()
  })

  test('goes on when nobody waits for it any more, and can be waited for again', async () => {
    await onSource(`head -c 400000000 /dev/urandom > ${NODE_PATHS.pool}/live/${shared.volume}/file`)
    const snapshot = await shared.source.driver.snapshot(shared.volume, 's0')
    const abort = new AbortController()
    const left = expect(shared.source.transfer(job('s0'), { ...watch, signal: abort.signal })).rejects.toThrow(
      'left alone',
    )
    await onSource(
      `n=0; until ${VOLUME_PATHS.send} job ${shared.volume} | grep -q ^active; do n=$((n+1)); [ $n -lt 200 ] || exit 1; sleep 0.02; done`,
    )
    abort.abort(new Error('left alone'))
    await left
    expect(await shared.source.transferJob(shared.volume)).toMatchObject({
      snapshot: 's0',
      target: 'node2',
      active: true,
    })
    await expect(shared.source.transfer(job('s0'), watch)).rejects.toMatchObject({ code: 'TRANSFER_BUSY' })
    expect(await shared.source.followTransfer(shared.volume, watch)).toBeGreaterThan(400_000_000)
    expect((await state(shared.target))?.snapshots).toMatchObject([snapshot])
  })

  test('that is stopped leaves nothing at the other end, and the next one succeeds', async () => {
    await onSource(`head -c 400000000 /dev/urandom > ${NODE_PATHS.pool}/live/${shared.volume}/file`)
    const snapshot = await shared.source.driver.snapshot(shared.volume, 's0')
    const broken = expect(shared.source.transfer(job('s0'), watch)).rejects.toMatchObject({ code: 'TRANSFER_FAILED' })
    await onTarget(
      `n=0; until [ -e ${NODE_PATHS.pool}/snap/${shared.volume}/s0 ]; do n=$((n+1)); [ $n -lt 400 ] || exit 1; sleep 0.02; done`,
    )
    await shared.source.stopTransfer(shared.volume)
    await broken
    await shared.source.transfer(job('s0'), watch)
    expect((await state(shared.target))?.snapshots).toMatchObject([snapshot])
  })

  test('that fails says what the ends said', async () => {
    await shared.source.driver.snapshot(shared.volume, 's0')
    await shared.source.transfer(job('s0'), watch)
    await expect(shared.source.transfer(job('s0'), watch)).rejects.toThrow(/is here already/)
  })

  test.each([
    ['that ends well', 0],
    ['that breaks off', 100],
  ])('%s leaves alone what the node makes of its own copy meanwhile', async (_, missing) => {
    await onSource(`head -c 3000000 /dev/urandom > ${NODE_PATHS.pool}/live/${shared.volume}/file`)
    const sent = await shared.source.driver.snapshot(shared.volume, 'replica-1')
    const stream = await buffer(await shared.source.driver.send(shared.volume, 'replica-1'))
    // A former owner that is back: what it has of its own becomes an orphan while it is sent the first replica.
    await shared.target.driver.create(shared.volume)
    await shared.target.fence(shared.volume, 3, 5)
    const arriving = new PassThrough()
    const received = Promise.allSettled([shared.target.driver.receive(shared.volume, 'replica-1', arriving)])
    arriving.write(stream.subarray(0, 1_000_000))
    await onTarget(
      `n=0; until [ -e ${NODE_PATHS.pool}/snap/${shared.volume}/replica-1 ]; do n=$((n+1)); [ $n -lt 400 ] || exit 1; sleep 0.02; done`,
    )
    await shared.target.retire(shared.volume, 3, 'orphan-3')
    arriving.end(stream.subarray(1_000_000, stream.length - missing))
    await received
    const there = (await state(shared.target))?.snapshots.map(({ name, identity }) => [name, identity])
    expect(there).toContainEqual(['orphan-3', expect.any(String)])
    expect(there?.filter(([name]) => name !== 'orphan-3')).toEqual(missing === 0 ? [['replica-1', sent.identity]] : [])
  })

  test.each(['comes to its end', 'never ends'])(
    'of a replica that %s is waited for before a promotion',
    async (how) => {
      const [older, newer] = ['replica-20261121-170000', 'replica-20261121-180000']
      const { source, target, volume } = shared
      await source.driver.snapshot(volume, older)
      await source.transfer(job(older), watch)
      await onSource(`head -c 3000000 /dev/urandom > ${NODE_PATHS.pool}/live/${volume}/file`)
      await source.driver.snapshot(volume, newer)
      const stream = await buffer(await source.driver.send(volume, newer, older))
      const said = `SSH_ORIGINAL_COMMAND=receive ${volume} ${newer}`
      const receiving = await shared.pair.to.connection.spawn({
        argv: ['setsid', '--wait', 'env', said, VOLUME_PATHS.receive],
      })
      receiving.stdin.write(stream.subarray(0, 1_000_000))
      await onTarget(
        `n=0; until [ -e ${NODE_PATHS.pool}/snap/${volume}/${newer} ]; do n=$((n+1)); [ $n -lt 400 ] || exit 1; sleep 0.02; done`,
      )
      const policy = { replicas: [{ node: target.node, everyMs: 1000 }], keep: {}, hooks: {} }
      const last = lastCandidate(target, idleRecord({ name: volume, policy }))
      const ends = how === 'comes to its end'
      if (ends) receiving.stdin.end(stream.subarray(1_000_000))
      expect((await last)?.snapshot).toBe(ends ? newer : older)
      expect((await state(target))?.snapshots.map(({ name }) => name)).toEqual([ends ? newer : older])
      expect((await receiving.exit) === 0).toBe(ends)
    },
  )
})
