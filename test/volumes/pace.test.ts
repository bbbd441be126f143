import { expect, test } from 'vitest'
import { paced } from '../../src/volumes/pace.ts'

const MIB = 1024 * 1024

function shown(total: number | undefined, counts: readonly (readonly [atMs: number, bytes: number])[]) {
  const lines: string[] = []
  let now = 0
  const count = paced(
    total,
    (line) => lines.push(line),
    () => now,
  )
  for (const [at, bytes] of counts) {
    now = at
    count(bytes)
  }
  return lines
}

test('progress says how far, how fast and how long yet, twice a second at most', () => {
  expect(
    shown(100 * MIB, [
      [100, MIB],
      [1000, 20 * MIB],
      [1100, 21 * MIB],
      [2000, 50 * MIB],
    ]),
  ).toEqual(['20 MiB, 20 MiB/s, about 4 s left', '50 MiB, 25 MiB/s, about 2 s left'])
})

test('where the whole is not known, or was more than expected, nothing is said of the time left', () => {
  expect(shown(undefined, [[1000, MIB]])).toEqual(['1 MiB, 1 MiB/s'])
  expect(shown(MIB, [[1000, 2 * MIB]])).toEqual(['2 MiB, 2 MiB/s'])
})
