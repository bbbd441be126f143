import { expect, test } from 'vitest'
import { FAULTS, moveUnderLoad, planMoves } from '../e2e/moves-under-load.ts'

const MOVES = Number(process.env['LAB_TORTURE_MOVES'] ?? 200)
const SEED = Number(process.env['LAB_TORTURE_SEED'] ?? 1)
/** Of a hundred moves, so many meet a fault. */
const PERCENT = 40

test(`${String(MOVES)} moves under load, four in ten disturbed (seed ${String(SEED)})`, async () => {
  const outcome = await moveUnderLoad(planMoves(MOVES, SEED, FAULTS, PERCENT), (line) => {
    console.log(line)
  })
  const sorted = outcome.downtimesMs.toSorted((a, b) => a - b)
  console.log(
    [
      `${String(outcome.moved)} of ${String(MOVES)} moves, seed ${String(SEED)}`,
      `faults: ${[...outcome.faults].map(([fault, times]) => `${fault} ${String(times)}`).join(', ')}`,
      `downtime of the undisturbed: median ${String(sorted[Math.floor(sorted.length / 2)])} ms, worst ${String(sorted.at(-1))} ms`,
      ...outcome.figures,
    ].join('\n'),
  )
  expect(outcome.wrong).toEqual([])
  expect(outcome.moved).toBe(MOVES)
})
