import { expect, test } from 'vitest'
import { redact } from '../../src/shell/redact.ts'

test('hides every occurrence, the longest secret first', () => {
  expect(redact('pass=abcdef, abc', ['abc', 'abcdef'])).toBe('pass=***, ***')
  expect(redact('unchanged', ['', 'secret'])).toBe('unchanged')
})

test('hides a key of several lines also where only one line of it shows', () => {
  const key = '-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n-----END KEY-----\n'
  expect(redact(`bad line: MIIEvQIBADANBgkq`, [key])).toBe('bad line: ***')
})
