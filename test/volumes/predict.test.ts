import { expect, test } from 'vitest'
import { pauseOptions, predict, type Round } from '../../src/volumes/move/predict.ts'

const MB = 1_000_000
const OPTIONS = { goalMs: 500, maxRounds: 6, capMs: 600_000, smallBytes: 1000 }
const round = (bytes: number, durationMs: number, gatheredMs?: number): Round => ({ bytes, durationMs, gatheredMs })

test('after the first, whole copy another round always pays: nothing is known of the writes yet', () => {
  expect(predict([round(1000 * MB, 9000)], OPTIONS)).toMatchObject({ stop: false, reason: undefined })
  expect(predict([round(2000, 20)], OPTIONS).stop).toBe(false)
})

test('after an increment of next to nothing no other round pays, unless a pause was promised', () => {
  expect(predict([round(900, 700)], OPTIONS)).toMatchObject({ stop: true, reason: 'goal' })
  expect(predict([round(900, 700)], pauseOptions(2000, undefined)).stop).toBe(false)
})

test('of a longest pause, copying has what the service does not take: 1 s, or what it is known to take', () => {
  const goal = (restartMs: number | undefined) => pauseOptions(5000, restartMs).goalMs
  expect(goal(undefined)).toBe(4000)
  expect(goal(1400)).toBe(4000)
  // What was copied in the last pause, half a second at most, is to be copied again.
  expect(goal(3000)).toBe(2500)
  expect(goal(12_000)).toBe(0)
})

test('it stops once the rest would take less than the goal', () => {
  // 1 MB/s of writes: what gathered in 9 s took 0.3 s to send, so the next has 0.3 MB.
  const prediction = predict([round(1000 * MB, 9000), round(9 * MB, 300, 9000)], OPTIONS)
  expect(prediction).toEqual({ stop: true, reason: 'goal', nextBytes: 300_000, nextMs: 10 })
})

test('it goes on while rounds shrink but are not small yet', () => {
  const prediction = predict([round(1000 * MB, 12_000), round(180 * MB, 6000, 12_000)], OPTIONS)
  expect(prediction).toMatchObject({ stop: false, nextBytes: 90 * MB, nextMs: 3000 })
})

test('it stops when two rounds in a row do not shrink: writes come as fast as they are sent', () => {
  const rounds = [round(1000 * MB, 10_000), round(100 * MB, 1000, 1000), round(95 * MB, 950, 1000)]
  expect(predict([...rounds, round(94 * MB, 940, 950)], OPTIONS)).toMatchObject({ stop: true, reason: 'not-shrinking' })
  expect(predict(rounds, OPTIONS).stop).toBe(false)
})

test('it stops after the most rounds allowed, and when its time is up', () => {
  const shrinking = [800, 400, 200, 100, 50, 25].map((size) => round(size * MB, size * 100, size * 120))
  expect(predict(shrinking.slice(0, 5), OPTIONS).stop).toBe(false)
  expect(predict(shrinking, OPTIONS)).toMatchObject({ stop: true, reason: 'rounds' })
  expect(predict(shrinking.slice(0, 3), { ...OPTIONS, capMs: 100_000 })).toMatchObject({ stop: true, reason: 'time' })
})

test('rounds without a byte or without time do not divide by zero', () => {
  expect(predict([round(0, 0), round(0, 0, 0)], OPTIONS)).toMatchObject({ stop: true, nextBytes: 0, nextMs: 0 })
})
