import { expect, test } from 'vitest'
import { interpolate, referencedVariables } from '../../src/apps/interpolate.ts'

test.each([
  ['$A/b', 'x/b'],
  ['${A}', 'x'],
  ['${NONE}', ''],
  ['${NONE:-d}', 'd'],
  ['${EMPTY:-d}', 'd'],
  ['${EMPTY-d}', ''],
  ['${A:+y}', 'y'],
  ['${NONE:+y}', ''],
  ['${NONE:-${A}z}', 'xz'],
  ['$$A', '$A'],
  ['$$${A}', '$x'],
  ['5$', '5$'],
  ['${', '${'],
])('%s is "%s"', (text, value) => {
  expect(interpolate(text, { A: 'x', EMPTY: '' })).toBe(value)
})

test('all names are found, those in defaults too, but not what is escaped', () => {
  expect([...referencedVariables('${A:-${B}} $C $$D ${E?needed}')]).toEqual(['A', 'B', 'C', 'E'])
})
