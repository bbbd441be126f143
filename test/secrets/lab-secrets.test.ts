import ssh2 from 'ssh2'
import { expect, test } from 'vitest'
import { generateKey } from '../../src/secrets/lab-secrets.ts'

test('every SSH key that is made can be read back', () => {
  for (let count = 0; count < 1500; count++) {
    expect(ssh2.utils.parseKey(generateKey('lab'))).not.toBeInstanceOf(Error)
  }
})
