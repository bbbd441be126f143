import { expect, test } from 'vitest'
import { parseSince } from '../../src/logs/since.ts'

const NOW = new Date('2026-11-21T12:00:00Z')

test.each([
  ['30s', '2026-11-21T11:59:30Z'],
  ['10m', '2026-11-21T11:50:00Z'],
  ['1h30m', '2026-11-21T10:30:00Z'],
  ['2d', '2026-11-19T12:00:00Z'],
  ['2026-11-21T10:15:00Z', '2026-11-21T10:15:00Z'],
  ['2026-11-21T10:15:00+02:00', '2026-11-21T08:15:00Z'],
])('%s is %s', (text, expected) => {
  expect(parseSince(text, NOW)).toEqual(new Date(expected))
})

test.each([
  ['2026-11-21', new Date(2026, 10, 21)],
  ['2026-11-21T10:15', new Date(2026, 10, 21, 10, 15)],
  ['2026-11-21 10:15:30', new Date(2026, 10, 21, 10, 15, 30)],
])('%s is of the zone of this machine', (text, expected) => {
  expect(parseSince(text, NOW)).toEqual(expected)
})

test.each(['', 'yesterday', '10', '10x', '-5m', '2026-13-01', '2026-11-21T99:00', '99999999999d'])(
  '"%s" is refused with what is allowed',
  (text) => {
    expect(() => parseSince(text, NOW)).toThrow(expect.objectContaining({ exitCode: 64, where: '--since' }))
  },
)
