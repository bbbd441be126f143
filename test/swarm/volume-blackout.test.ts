import { expect, test } from 'vitest'
import { msSinceEnd } from '../../src/swarm/volume-blackout.ts'

test.each([
  ['2026-11-28T14:00:03.5Z', 3500],
  ['2026-11-28T14:00:09Z', undefined],
  // What an engine says of a container that was made and has not run.
  ['0001-01-01T00:00:00Z', undefined],
  ['', undefined],
])('a container that ended at %j ended %s ms ago', (finishedAt, ms) => {
  expect(msSinceEnd('2026-11-28T14:00:07Z', finishedAt)).toBe(ms)
})
