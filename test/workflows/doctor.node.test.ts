import { expect, test } from 'vitest'
import { doctor } from '../../src/workflows/doctor.ts'

test('a host that runs the tests has what a lab needs, and every check says what it saw', async () => {
  const checks = await doctor({})
  expect(checks.filter(({ ok }) => !ok)).toEqual([])
  expect(checks.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['node', 'user', 'memory', 'clock', 'engine', 'capabilities', 'subnet', 'port']),
  )
  for (const { detail } of checks) expect(detail).not.toBe('')
})
