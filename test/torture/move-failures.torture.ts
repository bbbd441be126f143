import { expect, test } from 'vitest'
import { moveUnderLoad, PHASE_NAMES, tellOutcome, VOLUMES, type Planned } from '../e2e/moves-under-load.ts'
import { FAULTS, type Fault } from '../e2e/volume-faults.ts'

/*
 * Each thing that can die in each phase of a move, under clients that write and an observer. `--moves N` takes the first N
 * of the cases, going on from where `--seed` says.
 */
const MOVES = Number(process.env['LAB_TORTURE_MOVES'] ?? Infinity)
const FIRST = Number(process.env['LAB_TORTURE_SEED'] ?? 0)

const isLasting = (fault: Fault) => /\d/.test(fault)

/** The source stands still, or is cut off, for longer than a phase takes: from the copying on, and from the stop on. */
const LASTING: readonly Planned[] = FAULTS.filter(isLasting).flatMap((fault, index) =>
  (['precopy', 'quiesce'] as const).map((when) => ({ volume: volume(index), turn: index % 2, fault, when })),
)
const MATRIX: readonly Planned[] = PHASE_NAMES.flatMap((when, row) =>
  FAULTS.filter((fault) => !isLasting(fault)).map((fault, column) => ({
    volume: volume(row + column),
    turn: column % 2,
    fault,
    when,
  })),
)

function volume(index: number): string {
  return VOLUMES[index % VOLUMES.length] ?? ''
}

test('whatever fails in whichever phase: the same command brings the move to its end, with one writer throughout', async () => {
  const plan = [...MATRIX, ...LASTING].slice(FIRST, FIRST + MOVES)
  const outcome = await moveUnderLoad(plan, (line) => {
    console.log(line)
  })
  console.log(tellOutcome(outcome).join('\n'))
  expect(outcome.wrong).toEqual([])
  expect(outcome.moved).toBe(plan.length)
})
