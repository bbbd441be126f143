import { expect, test } from 'vitest'
import { installedPackages } from '../../src/facts/packages.ts'

test('only what is installed and configured counts', () => {
  const stdout = 'ii curl 8.14.1-2\nrc nginx 1.26\niU half 1.0\nhi held 2:1.0-1\nun gone \n'
  expect(installedPackages.parse({ status: 0, stdout, stderr: '' })).toEqual(
    new Map([
      ['curl', '8.14.1-2'],
      ['held', '2:1.0-1'],
    ]),
  )
})

test('a node without dpkg cannot tell', () => {
  expect(() => installedPackages.parse({ status: 127, stdout: '', stderr: 'not found' })).toThrow('not found')
})
