import { describe, expect, test } from 'vitest'
import { NODE_PATHS } from '../../src/model/names.ts'
import { expiredSnapshots, scheduledName, SCHEDULES, type VolumePolicy } from '../../src/model/volume-policy.ts'
import type { NodeVolumes } from '../../src/model/volume.ts'
import type { ReplicaState } from '../../src/model/volume-tending.ts'
import { waitFor } from '../../src/model/wait.ts'
import { VOLUME_PATHS } from '../../src/volumes/node-scripts.ts'
import { ordersDigest, ordersText } from '../../src/volumes/orders.ts'
import { idleRecord } from './idle-record.ts'
import { sharedPair } from './pool-nodes.ts'

const shared = sharedPair('btrfs')
const { onSource, onTarget } = shared
const live = () => `${NODE_PATHS.pool}/live/${shared.volume}`
const names = async (node: NodeVolumes) =>
  ((await node.state()).find(({ name }) => name === shared.volume)?.snapshots ?? []).map(({ name }) => name)

function orders(policy: Partial<VolumePolicy>): string | undefined {
  const record = { name: shared.volume, owner: 'node1', policy: { replicas: [], keep: {}, hooks: {}, ...policy } }
  return ordersText(idleRecord(record))
}

const replicated = (everyMs = 1000) => orders({ replicas: [{ node: 'node2', everyMs }] })

/** Waits until the owner says something of its replica. */
async function replica(is: (state: ReplicaState) => boolean, what: string): Promise<ReplicaState> {
  let seen = ''
  return waitFor(
    async () => {
      const found = (await shared.source.tending.replicas()).find((each) => each.volume === shared.volume)
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
    await shared.source.grant(shared.volume, 1)
    await shared.source.tending.setOrders(shared.volume, replicated())
    const first = await replica(({ snapshot }) => snapshot !== undefined, 'the first round')
    expect(first).toMatchObject({ node: 'node2', everyMs: 1000, whole: true, trouble: undefined })
    expect(first.bytes).toBeGreaterThan(3_000_000)
    await onSource(`echo more >${live()}/more`)
    const next = await after(await after(first))
    expect(next.whole).toBe(false)
    expect(next.bytes).toBeLessThan(100_000)
    await shared.source.tending.setOrders(shared.volume, undefined)
    const theirs = await names(shared.target)
    expect(theirs).toHaveLength(1)
    expect(await onTarget(`cat ${NODE_PATHS.pool}/snap/${shared.volume}/${theirs[0] ?? ''}/more`)).toBe('more')
    // One that was being taken when the unit was stopped may be there too.
    expect((await names(shared.source)).length).toBeLessThanOrEqual(2)
  })

  test('waits for a node that does not answer, with its age growing and nothing piling up', async () => {
    await shared.source.grant(shared.volume, 1)
    await shared.source.tending.setOrders(shared.volume, replicated())
    await replica(({ snapshot }) => snapshot !== undefined, 'the first round')
    await onTarget('mv /root/.ssh/authorized_keys2 /root/.ssh/away')
    try {
      const stuck = await replica(
        ({ trouble, ageMs }) => trouble !== undefined && (ageMs ?? 0) > 3000,
        'the trouble to be told',
      )
      expect(stuck.trouble).toContain('does not answer')
      expect((await names(shared.source)).length).toBeLessThanOrEqual(2)
    } finally {
      await onTarget('mv /root/.ssh/away /root/.ssh/authorized_keys2')
    }
    await replica(({ trouble }) => trouble === undefined, 'the replica to catch up')
  })

  test('without a base that both have is sent whole again, and that is said', async () => {
    await shared.source.grant(shared.volume, 1)
    await shared.source.tending.setOrders(shared.volume, replicated())
    const first = await replica(({ whole, snapshot }) => !whole && snapshot !== undefined, 'an increment')
    await shared.source.tending.hold(shared.volume)
    for (const name of await names(shared.target)) await shared.target.driver.deleteSnapshot(shared.volume, name)
    await shared.source.tending.release(shared.volume)
    const next = await replica(({ whole, snapshot }) => whole && snapshot !== first.snapshot, 'a whole round')
    expect(next.trouble).toBeUndefined()
  })

  test('makes room for a move, which finds its base untouched, and goes on after it', async () => {
    await onSource(`head -c 200000000 /dev/urandom >${live()}/file`)
    await shared.source.grant(shared.volume, 1)
    await shared.source.tending.setOrders(shared.volume, replicated())
    await waitFor(async () => ((await shared.source.transferJob(shared.volume))?.active === true ? true : undefined), {
      deadlineMs: 30_000,
      intervalMs: 20,
      what: 'the first round to send',
    })
    await shared.source.tending.hold(shared.volume)
    expect((await shared.source.transferJob(shared.volume))?.active).not.toBe(true)
    const [ours, theirs] = [await names(shared.source), await names(shared.target)]
    const snapshot = await shared.source.driver.snapshot(shared.volume, 'move-1-0')
    await shared.source.transfer(
      { volume: shared.volume, snapshot: 'move-1-0', since: undefined, target: 'node2' },
      { onProgress: () => undefined },
    )
    expect(await names(shared.source)).toEqual([...ours, 'move-1-0'])
    expect(await names(shared.target)).toEqual([...theirs, 'move-1-0'])
    await shared.source.tending.release(shared.volume)
    const next = await replica((state) => state.snapshot !== undefined, 'the replica to go on')
    expect(next.whole, `the base is what the move left: ${snapshot.identity}`).toBe(false)
  })

  test('ends with the lease, and comes back with it', async () => {
    await shared.source.grant(shared.volume, 1)
    await shared.source.tending.setOrders(shared.volume, replicated())
    const first = await replica(({ snapshot }) => snapshot !== undefined, 'the first round')
    await shared.source.fence(shared.volume, 1, 10)
    expect(await shared.source.tending.replicas()).toEqual([])
    await onSource(
      `n=0; while systemctl -q is-active lab-volume-tend@${shared.volume}; do n=$((n+1)); [ $n -lt 300 ]; sleep 0.1; done`,
    )
    await shared.source.grant(shared.volume, 2)
    await after(first)
  })
})

describe('the orders of a volume', () => {
  test('are known by their digest, last through a boot, and end', async () => {
    const text = replicated()
    await shared.source.tending.setOrders(shared.volume, text)
    const found = (await shared.source.state()).find(({ name }) => name === shared.volume)
    expect(found?.orders).toBe(ordersDigest(text))
    expect(await onSource(`systemctl is-enabled lab-volume-tend@${shared.volume}`)).toBe('enabled')
    await shared.source.tending.setOrders(shared.volume, undefined)
    expect((await shared.source.state()).find(({ name }) => name === shared.volume)?.orders).toBeUndefined()
    expect(await onSource(`systemctl is-enabled lab-volume-tend@${shared.volume} || true`)).not.toBe('enabled')
  })

  test('with replicas: after a boot nothing is served before a manager was asked', async () => {
    await shared.source.grant(shared.volume, 1)
    await shared.source.tending.setOrders(shared.volume, replicated())
    await onSource(
      `systemctl stop lab-volume-tend@${shared.volume}; umount ${NODE_PATHS.served}/${shared.volume}; ${VOLUME_PATHS.serve} boot`,
    )
    expect((await shared.source.state()).find(({ name }) => name === shared.volume)).toMatchObject({
      served: false,
      leaseEpoch: 1,
    })
    // Nobody to ask here: it waits.
    const { status } = await shared.pair.from.connection.exec({
      argv: [VOLUME_PATHS.serve, 'confirm', shared.volume, 'node1'],
    })
    expect(status).not.toBe(0)
    expect((await shared.source.state()).find(({ name }) => name === shared.volume)).toMatchObject({
      served: false,
      leaseEpoch: 1,
    })
    await shared.source.grant(shared.volume, 2)
    expect((await shared.source.state()).find(({ name }) => name === shared.volume)).toMatchObject({
      served: true,
      leaseEpoch: 2,
    })
  })
})

describe('a schedule', () => {
  test('takes what is due once, and deletes what is too much', async () => {
    for (const old of ['hourly-20200101-00', 'hourly-20200101-01', 'by-hand', 'daily-mine', 'weekly-mine'])
      await shared.source.driver.snapshot(shared.volume, old)
    await shared.source.grant(shared.volume, 1)
    await shared.source.tending.setOrders(
      shared.volume,
      orders({ keep: { hourly: 2, daily: 7, weekly: 1, monthly: 1 } }),
    )
    const due = SCHEDULES.map((schedule) => scheduledName(schedule, new Date()))
    const there = await waitFor(
      async () => {
        const now = await names(shared.source)
        return due.every((name) => now.includes(name)) && !now.includes('hourly-20200101-00') ? now : undefined
      },
      { deadlineMs: 60_000, what: `${due.join(', ')} on the node` },
    )
    expect([...there].sort()).toEqual(['by-hand', 'daily-mine', 'hourly-20200101-01', 'weekly-mine', ...due].sort())
  })

  test('keeps what the pure function keeps', async () => {
    const time = new Date()
    const mine = ['daily-before-upgrade', 'x', 'hourlyish', 'hourly-1', 'weekly-2026', 'monthly-20261121']
    const due = SCHEDULES.map((schedule) => scheduledName(schedule, time))
    const old = ['hourly-20261121-03', 'weekly-2026-w01', 'hourly-20261121-01', 'daily-20261121', 'monthly-202601']
    const taken = [...old, ...mine, 'hourly-20261121-02', 'daily-20261122', ...due]
    for (const count of [1, 2, 3, 9]) {
      for (const schedule of SCHEDULES) {
        const said = await onSource(
          `printf '%s\\n' ${taken.join(' ')} | ${VOLUME_PATHS.tend} expired ${shared.volume} ${schedule} ${String(count)}`,
        )
        expect(said.split('\n').filter((line) => line !== '')).toEqual(expiredSnapshots(taken, { [schedule]: count }))
      }
    }
  })
})

describe('clocks that differ by an hour', () => {
  const [clock, real] = ['/usr/local/sbin/date', '/usr/bin/date']
  test('make no replica older or younger', async () => {
    await onSource(`printf '#!/bin/sh\\nexec ${real} -d "+1 hour" "$@"\\n' >${clock}; chmod 755 ${clock}`)
    try {
      await shared.source.grant(shared.volume, 1)
      await shared.source.tending.setOrders(shared.volume, replicated())
      const { ageMs, snapshot } = await replica((state) => state.snapshot !== undefined, 'the first round')
      const digits = snapshot?.replace(/\D/g, '') ?? ''
      const named = Date.parse(digits.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z'))
      expect(Math.abs(named - Date.now())).toBeGreaterThan(50 * 60_000)
      expect(ageMs).toBeLessThan(60_000)
      await shared.source.fence(shared.volume, 1, 10)
      const arrived = await shared.target.tending.arrived(shared.volume)
      expect(arrived?.snapshot).toBe((await names(shared.target))[0])
      expect(arrived?.ageMs).toBeLessThan(60_000)
    } finally {
      await onSource(`rm ${clock}`)
    }
    // Its next owner has another clock, and learns from the copy's node how old it is, before its own first round.
    await shared.source.tending.setOrders(shared.volume, undefined)
    await onSource(`rm ${VOLUME_PATHS.tended}/${shared.volume}/node2`)
    await shared.source.tending.setOrders(shared.volume, replicated(600_000))
    await shared.source.grant(shared.volume, 2)
    const { ageMs } = await replica((state) => state.snapshot !== undefined, 'what is there')
    expect(ageMs).toBeLessThan(60_000)
  })

  test('leave what a schedule keeps to the order of the snapshots', async () => {
    await shared.source.driver.snapshot(shared.volume, 'hourly-20991231-23')
    await onSource(`printf '#!/bin/sh\\nexec ${real} -d "-1 hour" "$@"\\n' >${clock}; chmod 755 ${clock}`)
    try {
      await shared.source.grant(shared.volume, 1)
      await shared.source.tending.setOrders(shared.volume, orders({ keep: { hourly: 1 } }))
      await waitFor(
        async () => {
          const due = await onSource(`${clock} -u +hourly-%Y%m%d-%H`)
          const now = await names(shared.source)
          return now.length === 1 && now[0] === due ? true : undefined
        },
        { deadlineMs: 60_000, what: 'the snapshot of this hour alone on the node' },
      )
    } finally {
      await onSource(`rm ${clock}`)
    }
  })
})
