import { expect, test } from 'vitest'
import { UsageError } from '../../src/model/errors.ts'
import { SCHEDULES } from '../../src/model/volume-policy.ts'
import { checkSnapshotName } from '../../src/workflows/volume-snapshots.ts'

test.each([...SCHEDULES.map((each) => `${each}-before-upgrade`), 'replica-1', 'orphan-mine', 'move-1-final'])(
  'a user cannot call a snapshot %s: lab would delete it one day',
  (name) => {
    expect(() => {
      checkSnapshotName(name)
    }).toThrow(UsageError)
  },
)

test.each(['before-upgrade', 'my-daily-1', 'dailyish', 'daily'])('a snapshot may be called %s', (name) => {
  expect(() => {
    checkSnapshotName(name)
  }).not.toThrow()
})
