import { expect, test } from 'vitest'
import { hostName } from '../../src/facts/host-name.ts'
import { hostsFile } from '../../src/facts/hosts-file.ts'
import { swapState } from '../../src/facts/swap-state.ts'

const answer = (stdout: string, status = 0) => ({ status, stdout, stderr: 'why' })

test('lines of /etc/hosts are told without comments', () => {
  expect(hostsFile.parse(answer('127.0.0.1\tlocalhost  a # b\n\n# c\n::1 x\n'))).toEqual([
    { address: '127.0.0.1', names: ['localhost', 'a'] },
    { address: '::1', names: ['x'] },
  ])
  expect(() => hostsFile.parse(answer('', 1))).toThrow('why')
})

test('the live name and the kept one are told apart', () => {
  expect(hostName.parse(answer('web1\nweb2\n'))).toEqual({ live: 'web1', kept: 'web2' })
  expect(hostName.parse(answer('web1\n'))).toEqual({ live: 'web1', kept: '' })
})

test('swap in use, its lines of fstab, and whose it is', () => {
  expect(swapState.parse(answer('/dev/sda2 partition 1 0 -2\n--\n3\n--\ncontainer\n'))).toEqual({
    active: ['/dev/sda2'],
    fstab: [3],
    isContainer: true,
  })
  expect(swapState.parse(answer('--\n--\n'))).toEqual({ active: [], fstab: [], isContainer: false })
})
