import { expect, test } from 'vitest'
import { accounts, groupName } from '../../src/facts/accounts.ts'

const stdout = `root:x:0:0:root:/root:/bin/bash
ada:x:1000:1000:Ada,,,:/home/ada:/bin/sh
--
root:x:0:
adm:x:4:syslog,ada
ada:x:1000:
--
root
`

test('accounts and groups are told by name, with who has a home', () => {
  const known = accounts.parse({ status: 0, stdout, stderr: '' })
  expect(known.users.get('ada')).toEqual({
    uid: 1000,
    gid: 1000,
    comment: 'Ada,,,',
    home: '/home/ada',
    hasHome: false,
    shell: '/bin/sh',
  })
  expect(known.users.get('root')?.hasHome).toBe(true)
  expect(known.groups.get('adm')).toEqual({ gid: 4, members: ['syslog', 'ada'] })
  expect(groupName(known, 4)).toBe('adm')
  expect(groupName(known, 5)).toBeUndefined()
})

test('a machine without a list of accounts cannot tell', () => {
  expect(() => accounts.parse({ status: 1, stdout: '', stderr: 'no such file' })).toThrow('no such file')
})
