import ssh2 from 'ssh2'
import { expect, test } from 'vitest'
import { generateKey } from '../../src/secrets/lab-secrets.ts'

test('an SSH key that cannot be read back is not used: another is made', () => {
  const good = generateKey('lab')
  // What a lost leading zero leaves: a key whose lengths no longer add up.
  const lines = good.split('\n')
  const malformed = [lines[0], (lines[1] ?? '').slice(4), ...lines.slice(2)].join('\n')
  expect(ssh2.utils.parseKey(malformed)).toBeInstanceOf(Error)
  const made = [malformed, malformed, good]
  expect(generateKey('lab', () => made.shift() ?? '')).toBe(good)
  expect(made).toEqual([])
})
