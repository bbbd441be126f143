import { describe, expect, test } from 'vitest'
import {
  expiredSnapshots,
  policyAfterMove,
  scheduledName,
  SCHEDULES,
  type VolumePolicy,
} from '../../src/model/volume-policy.ts'

const at = (text: string) => new Date(text)

/** Takes what is due at each of these times and deletes what is too much, as a node does. */
function lived(times: readonly string[], keep: VolumePolicy['keep'], before: readonly string[] = []): string[] {
  let there = [...before]
  for (const time of times) {
    for (const schedule of SCHEDULES) {
      const name = scheduledName(schedule, at(time))
      if (keep[schedule] !== undefined && !there.includes(name)) there.push(name)
    }
    const expired = expiredSnapshots(there, keep)
    there = there.filter((name) => !expired.includes(name))
  }
  return there
}

describe('the name of a scheduled snapshot', () => {
  test.each([
    ['hourly', '2026-11-21T18:59:59.999Z', 'hourly-20261121-18'],
    ['hourly', '2026-11-21T19:00:00Z', 'hourly-20261121-19'],
    ['daily', '2026-11-21T23:59:59Z', 'daily-20261121'],
    ['weekly', '2026-11-22T23:59:59Z', 'weekly-2026-w47'],
    ['weekly', '2026-11-23T00:00:00Z', 'weekly-2026-w48'],
    ['weekly', '2027-01-01T12:00:00Z', 'weekly-2026-w53'],
    ['weekly', '2024-12-30T00:00:00Z', 'weekly-2025-w01'],
    ['monthly', '2026-02-28T23:59:59Z', 'monthly-202602'],
  ] as const)('%s at %s is %s', (schedule, time, name) => {
    expect(scheduledName(schedule, at(time))).toBe(name)
  })

  test('has every hour once where clocks on walls are put back, and none left out where they are put on', () => {
    const hours = (day: string) =>
      Array.from({ length: 24 }, (_, hour) =>
        scheduledName('hourly', at(`${day}T${String(hour).padStart(2, '0')}:30:00Z`)),
      )
    for (const day of ['2026-03-29', '2026-10-25']) expect(new Set(hours(day)).size).toBe(24)
  })
})

describe('snapshots of schedules', () => {
  test('the last ones of each schedule stay, and others are not judged', () => {
    const hourly = ['hourly-20261121-01', 'hourly-20261121-02', 'hourly-20261121-03']
    const [first = '', ...later] = hourly
    const there = [first, 'replica-1', 'daily-20261121', 'by-hand', ...later, 'daily-20261122', 'hourlyish']
    expect(expiredSnapshots(there, { hourly: 2, daily: 2 })).toEqual([first])
    expect(expiredSnapshots(there, { daily: 1 })).toEqual(['daily-20261121'])
    expect(expiredSnapshots(there, {})).toEqual([])
  })

  test('what a user called alike is not counted and stays', () => {
    const mine = ['daily-before-upgrade', 'daily-20261121-mine', 'hourly-1', 'weekly-2026', 'monthly-20261121']
    const [older, newer] = ['daily-20261120', 'daily-20261121']
    expect(expiredSnapshots([...mine, older, newer], { hourly: 1, daily: 1, weekly: 1, monthly: 1 })).toEqual([older])
  })

  test('every name that schedules give is known as theirs', () => {
    for (const schedule of SCHEDULES) {
      const names = ['2026-11-21T18:00:00Z', '2027-01-01T00:00:00Z'].map((time) => scheduledName(schedule, at(time)))
      expect(expiredSnapshots(names, { [schedule]: 1 })).toEqual(names.slice(0, 1))
    }
  })

  test('one is taken in each hour, however often it is looked, and too many go', () => {
    const times = ['01:00', '01:10', '01:59', '02:00', '03:30', '04:00'].map((time) => `2026-11-21T${time}:00Z`)
    expect(lived(times, { hourly: 3, daily: 7 })).toEqual([
      'daily-20261121',
      'hourly-20261121-02',
      'hourly-20261121-03',
      'hourly-20261121-04',
    ])
  })

  test('hours that were missed cost no snapshot that is there', () => {
    const before = lived(['2026-11-20T01:00:00Z', '2026-11-20T02:00:00Z'], { hourly: 3 })
    expect(lived(['2026-11-25T09:00:00Z'], { hourly: 3 }, before)).toEqual([
      'hourly-20261120-01',
      'hourly-20261120-02',
      'hourly-20261125-09',
    ])
  })

  test('a clock that was a year ahead for a while stops nothing: what is taken later stays longer', () => {
    const wrong = ['2027-11-21T01:00:00Z', '2027-11-21T02:00:00Z', '2027-11-21T03:00:00Z']
    const there = lived(wrong, { hourly: 3 })
    expect(lived(['2026-11-21T04:00:00Z', '2026-11-21T05:00:00Z'], { hourly: 3 }, there)).toEqual([
      'hourly-20271121-03',
      'hourly-20261121-04',
      'hourly-20261121-05',
    ])
  })

  test('a clock that was put back takes no snapshot a second time', () => {
    const there = lived(['2026-11-21T04:00:00Z', '2026-11-21T05:00:00Z'], { hourly: 5 })
    expect(lived(['2026-11-21T04:30:00Z'], { hourly: 5 }, there)).toEqual(there)
  })
})

describe('the policy of a volume that moved', () => {
  const policy: VolumePolicy = {
    replicas: [
      { node: 'node2', everyMs: 1000 },
      { node: 'node3', everyMs: 2000 },
    ],
    keep: { daily: 7 },
    hooks: {},
  }

  test('to where its replica was has the replica where it came from', () => {
    expect(policyAfterMove(policy, 'node1', 'node2')).toEqual({
      ...policy,
      replicas: [
        { node: 'node1', everyMs: 1000 },
        { node: 'node3', everyMs: 2000 },
      ],
    })
  })

  test('to another node, or nowhere, is the same', () => {
    expect(policyAfterMove(policy, 'node1', 'node4')).toBe(policy)
    expect(policyAfterMove(policy, 'node1', 'node1')).toBe(policy)
  })

  test('there and back is the same', () => {
    expect(policyAfterMove(policyAfterMove(policy, 'node1', 'node2'), 'node2', 'node1')).toEqual(policy)
  })
})
