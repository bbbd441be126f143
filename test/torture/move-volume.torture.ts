import { expect, test } from 'vitest'
import { moveUnderLoad, planMoves, tellOutcome } from '../e2e/moves-under-load.ts'
import { FAULTS } from '../e2e/volume-faults.ts'

const MOVES = Number(process.env['LAB_TORTURE_MOVES'] ?? 200)
const SEED = Number(process.env['LAB_TORTURE_SEED'] ?? 1)
/** Of a hundred moves, so many meet a fault. */
const PERCENT = 40

test(`${String(MOVES)} moves under load, four in ten disturbed (seed ${String(SEED)})`, async () => {
  const outcome = await moveUnderLoad(planMoves(MOVES, SEED, [...FAULTS, 'idle'], PERCENT), (line) => {
    console.log(line)
  })
  console.log([`seed ${String(SEED)}`, ...tellOutcome(outcome)].join('\n'))
  expect(outcome.wrong).toEqual([])
  expect(outcome.moved).toBe(MOVES)
})
