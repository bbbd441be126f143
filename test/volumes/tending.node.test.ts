import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { NODE_PATHS } from '../../src/model/names.ts'
import { expiredSnapshots, scheduledName, SCHEDULES, type VolumePolicy } from '../../src/model/volume-policy.ts'
import type { NodeVolumes } from '../../src/model/volume.ts'
import type { ReplicaState } from '../../src/model/volume-tending.ts'
import { waitFor } from '../../src/model/wait.ts'
import { VOLUME_PATHS } from '../../src/volumes/node-scripts.ts'
import { ordersDigest, ordersText } from '../../src/volumes/orders.ts'
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
      await node.tending.setOrders(volume, undefined)
      await node.fence(volume, 1_000_000, 5)
      await node.stopTransfer(volume)
      await node.driver.destroy(volume)
      await node.forget(volume)
    }
  }
})

const onSource = (script: string) => sh(pair.from.connection, script)
const onTarget = (script: string) => sh(pair.to.connection, script)
const live = () => `${NODE_PATHS.pool}/live/${volume}`
const names = async (node: NodeVolumes) =>
  ((await node.state()).find(({ name }) => name === volume)?.snapshots ?? []).map(({ name }) => name)

function orders(policy: Partial<VolumePolicy>): string | undefined {
  const record = { name: volume, app: 'a', service: 's', driver: 'btrfs', owner: 'node1', epoch: 1 } as const
  const rest = { phase: 'idle', move: undefined, base: undefined, lockPort: 20_000 } as const
  return ordersText({ ...record, ...rest, policy: { replicas: [], keep: {}, hooks: {}, ...policy } })
}

const replicated = (everyMs = 1000) => orders({ replicas: [{ node: 'node2', everyMs }] })

/** Waits until the owner says something of its replica. */
async function replica(is: (state: ReplicaState) => boolean, what: string): Promise<ReplicaState> {
  let seen = ''
  return waitFor(
    async () => {
      const found = (await source.tending.replicas()).find((each) => each.volume === volume)
      seen = JSON.stringify(found)
      return found !== undefined && is(found) ? found : undefined
    },
    { deadlineMs: 60_000, what, lastSeen: () => seen },
  )
}

const after = (before: ReplicaState) =>
  replica(({ snapshot }) => snapshot !== undefined && snapshot !== before.snapshot, 'another round')

describe('a replica', () => {
  test('is kept up to date by increments, and no snapshots pile up on either side', async () => {
    await onSource(`head -c 3000000 /dev/urandom >${live()}/file`)
    await source.grant(volume, 1)
    await source.tending.setOrders(volume, replicated())
    const first = await replica(({ snapshot }) => snapshot !== undefined, 'the first round')
    expect(first).toMatchObject({ node: 'node2', everyMs: 1000, whole: true, trouble: undefined })
    expect(first.bytes).toBeGreaterThan(3_000_000)
    await onSource(`echo more >${live()}/more`)
    const next = await after(await after(first))
    expect(next.whole).toBe(false)
    expect(next.bytes).toBeLessThan(100_000)
    await source.tending.setOrders(volume, undefined)
    const theirs = await names(target)
    expect(theirs).toHaveLength(1)
    expect(await onTarget(`cat ${NODE_PATHS.pool}/snap/${volume}/${theirs[0] ?? ''}/more`)).toBe('more')
    // One that was being taken when the unit was stopped may be there too.
    expect((await names(source)).length).toBeLessThanOrEqual(2)
  })

  test('waits for a node that does not answer, with its age growing and nothing piling up', async () => {
    await source.grant(volume, 1)
    await source.tending.setOrders(volume, replicated())
    await replica(({ snapshot }) => snapshot !== undefined, 'the first round')
    await onTarget('mv /root/.ssh/authorized_keys2 /root/.ssh/away')
    try {
      const stuck = await replica(
        ({ trouble, ageMs }) => trouble !== undefined && (ageMs ?? 0) > 3000,
        'the trouble to be told',
      )
      expect(stuck.trouble).toContain('does not answer')
      expect((await names(source)).length).toBeLessThanOrEqual(2)
    } finally {
      await onTarget('mv /root/.ssh/away /root/.ssh/authorized_keys2')
    }
    await replica(({ trouble }) => trouble === undefined, 'the replica to catch up')
  })

  test('without a base that both have is sent whole again, and that is said', async () => {
    await source.grant(volume, 1)
    await source.tending.setOrders(volume, replicated())
    const first = await replica(({ whole, snapshot }) => !whole && snapshot !== undefined, 'an increment')
    await source.tending.hold(volume)
    for (const name of await names(target)) await target.driver.deleteSnapshot(volume, name)
    await source.tending.release(volume)
    const next = await replica(({ whole, snapshot }) => whole && snapshot !== first.snapshot, 'a whole round')
    expect(next.trouble).toBeUndefined()
  })

  test('makes room for a move, which finds its base untouched, and goes on after it', async () => {
    await onSource(`head -c 200000000 /dev/urandom >${live()}/file`)
    await source.grant(volume, 1)
    await source.tending.setOrders(volume, replicated())
    await waitFor(async () => ((await source.transferJob(volume))?.active === true ? true : undefined), {
      deadlineMs: 30_000,
      intervalMs: 20,
      what: 'the first round to send',
    })
    await source.tending.hold(volume)
    expect((await source.transferJob(volume))?.active).not.toBe(true)
    const [ours, theirs] = [await names(source), await names(target)]
    const snapshot = await source.driver.snapshot(volume, 'move-1-0')
    await source.transfer(
      { volume, snapshot: 'move-1-0', since: undefined, target: 'node2' },
      { onProgress: () => undefined },
    )
    expect(await names(source)).toEqual([...ours, 'move-1-0'])
    expect(await names(target)).toEqual([...theirs, 'move-1-0'])
    await source.tending.release(volume)
    const next = await replica((state) => state.snapshot !== undefined, 'the replica to go on')
    expect(next.whole, `the base is what the move left: ${snapshot.identity}`).toBe(false)
  })

  test('ends with the lease, and comes back with it', async () => {
    await source.grant(volume, 1)
    await source.tending.setOrders(volume, replicated())
    const first = await replica(({ snapshot }) => snapshot !== undefined, 'the first round')
    await source.fence(volume, 1, 10)
    expect(await source.tending.replicas()).toEqual([])
    await onSource(
      `n=0; while systemctl -q is-active lab-volume-tend@${volume}; do n=$((n+1)); [ $n -lt 300 ]; sleep 0.1; done`,
    )
    await source.grant(volume, 2)
    await after(first)
  })
})

describe('the orders of a volume', () => {
  test('are known by their digest, last through a boot, and end', async () => {
    const text = replicated()
    await source.tending.setOrders(volume, text)
    const found = (await source.state()).find(({ name }) => name === volume)
    expect(found?.orders).toBe(ordersDigest(text))
    expect(await onSource(`systemctl is-enabled lab-volume-tend@${volume}`)).toBe('enabled')
    await source.tending.setOrders(volume, undefined)
    expect((await source.state()).find(({ name }) => name === volume)?.orders).toBeUndefined()
    expect(await onSource(`systemctl is-enabled lab-volume-tend@${volume} || true`)).not.toBe('enabled')
  })

  test('with replicas: after a boot nothing is served before a manager was asked', async () => {
    await source.grant(volume, 1)
    await source.tending.setOrders(volume, replicated())
    await onSource(
      `systemctl stop lab-volume-tend@${volume}; umount ${NODE_PATHS.served}/${volume}; ${VOLUME_PATHS.serve} boot`,
    )
    expect((await source.state()).find(({ name }) => name === volume)).toMatchObject({ served: false, leaseEpoch: 1 })
    // Nobody to ask here: it waits.
    const { status } = await pair.from.connection.exec({ argv: [VOLUME_PATHS.serve, 'confirm', volume, 'node1'] })
    expect(status).not.toBe(0)
    expect((await source.state()).find(({ name }) => name === volume)).toMatchObject({ served: false, leaseEpoch: 1 })
    await source.grant(volume, 2)
    expect((await source.state()).find(({ name }) => name === volume)).toMatchObject({ served: true, leaseEpoch: 2 })
  })
})

describe('a schedule', () => {
  test('takes what is due once, and deletes what is too much', async () => {
    for (const old of ['hourly-20200101-00', 'hourly-20200101-01', 'by-hand']) await source.driver.snapshot(volume, old)
    await source.grant(volume, 1)
    await source.tending.setOrders(volume, orders({ keep: { hourly: 2, daily: 7, weekly: 1, monthly: 1 } }))
    const due = SCHEDULES.map((schedule) => scheduledName(schedule, new Date()))
    const there = await waitFor(
      async () => {
        const now = await names(source)
        return due.every((name) => now.includes(name)) && !now.includes('hourly-20200101-00') ? now : undefined
      },
      { deadlineMs: 60_000, what: `${due.join(', ')} on the node` },
    )
    expect([...there].sort()).toEqual(['by-hand', 'hourly-20200101-01', ...due].sort())
  })

  test('keeps what the pure function keeps', async () => {
    const taken = ['hourly-3', 'daily-1', 'hourly-1', 'x', 'hourly-2', 'daily-2', 'hourlyish', 'hourly-9']
    for (const count of [1, 2, 3, 9]) {
      for (const schedule of ['hourly', 'daily'] as const) {
        const said = await onSource(
          `printf '%s\\n' ${taken.join(' ')} | ${VOLUME_PATHS.tend} expired ${volume} ${schedule} ${String(count)}`,
        )
        expect(said.split('\n').filter((line) => line !== '')).toEqual(expiredSnapshots(taken, { [schedule]: count }))
      }
    }
  })
})
