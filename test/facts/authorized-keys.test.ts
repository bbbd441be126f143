import { expect, test } from 'vitest'
import { authorizedKeys } from '../../src/facts/authorized-keys.ts'
import { passwordDigest } from '../../src/facts/password-digest.ts'

const query = authorizedKeys('ada', [
  { line: 'ssh-ed25519 AAAA one', key: 'AAAA' },
  { line: 'ssh-ed25519 BBBB two', key: 'BBBB' },
])

test('of each wanted key: where it is as written, and where otherwise', () => {
  const stdout = '700 ada\n--\n600 ada\n--\n1\n2\n3\n--\n1\n--\n1\n3\n--\n--\n2\n--\n'
  expect(query.parse({ status: 0, stdout, stderr: '' })).toEqual({
    directoryAccess: '700 ada',
    fileAccess: '600 ada',
    keys: [1, 2, 3],
    equal: [[1], []],
    sameKey: [[3], [2]],
  })
})

test('a user who is not there is not one without keys', () => {
  expect(() => query.parse({ status: 3, stdout: '', stderr: '' })).toThrow('there is no user ada')
  const none = query.parse({ status: 0, stdout: '--\n--\n--\n--\n--\n--\n--\n', stderr: '' })
  expect(none).toMatchObject({ directoryAccess: undefined, equal: [[], []], sameKey: [[], []] })
})

test('of a password only a digest is told', () => {
  const digest = 'a'.repeat(64)
  expect(passwordDigest('ada').parse({ status: 0, stdout: `${digest}  -\n`, stderr: '' })).toBe(digest)
  expect(passwordDigest('ada').parse({ status: 0, stdout: '', stderr: '' })).toBeUndefined()
  expect(() => passwordDigest('ada').parse({ status: 1, stdout: '', stderr: '' })).toThrow('/etc/shadow')
})
