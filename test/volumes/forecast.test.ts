import { expect, test } from 'vitest'
import { forecast, type MoveConditions } from '../../src/volumes/move/forecast.ts'

const MB = 1_000_000
const USUAL: MoveConditions = {
  firstBytes: 1000 * MB,
  incremental: false,
  writtenPerSecond: MB,
  sentPerSecond: 100 * MB,
  restartMs: 3000,
  restartIsKnown: false,
  maxPauseMs: undefined,
}

test('all of it is sent once, and what is written meanwhile on top', () => {
  const { bytes, rounds, downtimeMs, refused } = forecast(USUAL)
  expect(bytes).toBeGreaterThan(1010 * MB)
  expect(bytes).toBeLessThan(1020 * MB)
  expect(rounds).toBeGreaterThan(3)
  expect(downtimeMs).toBeGreaterThanOrEqual(3000)
  expect(downtimeMs).toBeLessThan(4000)
  expect(refused).toBe(false)
})

test('the pause does not depend on the size, but on what is written', () => {
  const of = (change: Partial<MoveConditions>) => forecast({ ...USUAL, ...change }).downtimeMs
  expect(Math.abs(of({ firstBytes: 8000 * MB }) - of({}))).toBeLessThan(200)
  expect(of({ writtenPerSecond: 90 * MB })).toBeGreaterThan(of({}) + 5000)
  expect(of({ writtenPerSecond: 0 })).toBeLessThanOrEqual(of({}))
})

test('where writes come faster than they are sent, a longest pause is refused, and without one it ends', () => {
  const fast = { ...USUAL, writtenPerSecond: 200 * MB }
  expect(forecast({ ...fast, maxPauseMs: 2000 }).refused).toBe(true)
  expect(forecast(fast)).toMatchObject({ refused: false })
  expect(forecast({ ...USUAL, maxPauseMs: 2000 }).refused).toBe(false)
})

test('a longest pause is refused where the service is known to take longer, not where that is a guess', () => {
  const slow = { ...USUAL, writtenPerSecond: 0, restartMs: 12_000, maxPauseMs: 2000 }
  expect(forecast({ ...slow, restartIsKnown: true })).toMatchObject({ downtimeMs: 12_000, refused: true })
  expect(forecast({ ...slow, restartIsKnown: false }).refused).toBe(false)
  expect(forecast({ ...slow, restartIsKnown: true, maxPauseMs: 12_000 }).refused).toBe(false)
})

test('a service that stops and starts fast is moved with a pause that is a little longer, though somebody writes', () => {
  const known = { ...USUAL, restartIsKnown: true, maxPauseMs: 2000 }
  expect(forecast({ ...known, restartMs: 1500 })).toMatchObject({ refused: false })
  expect(forecast({ ...known, restartMs: 1900 })).toMatchObject({ refused: false })
  // Copying would take the rest, and some more.
  expect(forecast({ ...known, restartMs: 1900, writtenPerSecond: 50 * MB })).toMatchObject({ refused: true })
})

test('what the target lacks is left to when the engine stops the service, if it is little', () => {
  const back = { ...USUAL, incremental: true, writtenPerSecond: 0 }
  expect(forecast({ ...back, firstBytes: MB })).toMatchObject({ bytes: MB, rounds: 2, downtimeMs: 3000 })
  expect(forecast({ ...back, firstBytes: 100 * MB }).rounds).toBeGreaterThan(2)
  expect(forecast({ ...back, firstBytes: MB, maxPauseMs: 5000 }).rounds).toBeGreaterThan(2)
  expect(forecast({ ...back, firstBytes: MB, restartMs: 0 })).toMatchObject({ bytes: MB, rounds: 1 })
})

test('a volume that no service uses has no downtime, and an empty one sends nothing', () => {
  expect(forecast({ ...USUAL, restartMs: 0 }).downtimeMs).toBe(0)
  expect(forecast({ ...USUAL, firstBytes: 0, writtenPerSecond: 0 }).bytes).toBe(0)
})
