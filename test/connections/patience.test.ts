import { expect, test, vi } from 'vitest'

// Of its own, which nothing was measured by yet: other files connect for real.
vi.resetModules()
const { measured, stretched, whenLate } = await import('../../src/connections/patience.ts')

const during = async (ms: number) => {
  const started = performance.now()
  await measured(() => new Promise((resolve) => setTimeout(resolve, ms)))
  return performance.now() - started
}

test('where nothing is known of the host, one attempt has the time asked for, and several at once have more', async () => {
  expect(stretched(1000, 0)).toBe(1000)
  const both = Promise.all([during(1), during(1)])
  expect(stretched(1000, 0)).toBe(4000)
  expect(stretched(60_000, 0)).toBe(60_000)
  await both
  expect(stretched(1000, 0)).toBe(1000)
})

test('a node has several times what the slowest of the others took, within bounds, and failures say nothing', async () => {
  await measured(() => Promise.reject(new Error('dead'))).catch(() => undefined)
  expect(stretched(50, 0)).toBeLessThan(200)
  const tookMs = await during(60)
  expect(stretched(100, 0)).toBeGreaterThanOrEqual(4 * 60 - 4)
  expect(stretched(100, 0)).toBeLessThanOrEqual(4 * tookMs + 4)
  expect(stretched(10, 0)).toBe(40)
})

test('where many processes want a processor, a node has more time, within bounds', () => {
  expect(stretched(60_000, 50)).toBe(60_000)
  expect(stretched(2000, 1)).toBe(2000)
  expect(stretched(2000, 3)).toBe(3000)
  expect(stretched(2000, 60)).toBe(8000)
})

test('whoever is late is told once; whoever is called off, never', async () => {
  let late = 0
  const callOff = whenLate(1, () => (late += 10))
  callOff()
  await new Promise<void>((resolve) => {
    whenLate(5, () => {
      late++
      resolve()
    })
  })
  expect(late).toBe(1)
})
