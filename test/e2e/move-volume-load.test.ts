import { afterAll, expect, test } from 'vitest'
import { labOk } from './harness.ts'
import { moveUnderLoad, planMoves } from './moves-under-load.ts'

const MOVES = 10

afterAll(async () => {
  await labOk(['rm', 'witness'])
  await labOk(['volume', 'destroy', 'witness-data', '--yes'])
})

test(`${String(MOVES)} moves under load, two of them cut off: one writer at all times, nothing acknowledged is lost`, async () => {
  const plan = planMoves(MOVES, 7, [], 0).map((each, index) =>
    index === 3 || index === 7 ? { ...each, fault: 'cli' as const } : each,
  )
  const outcome = await moveUnderLoad(plan, () => undefined)
  console.log(outcome.figures.join('\n'))
  expect(outcome.wrong).toEqual([])
  expect(outcome.moved).toBe(MOVES)
}, 600_000)
