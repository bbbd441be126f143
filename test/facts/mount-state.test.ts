import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { escapeField, mountState } from '../../src/facts/mount-state.ts'

const LIVE =
  '36 35 98:0 /root /srv/a\\040b rw,noatime master:1 - ext3 /dev/sda1 rw,errors=continue\n--\nsame\n--\n4\n--\n4\n7\n'

test('what is mounted, by whom and how, and the lines of fstab about it are told', () => {
  const query = mountState('/srv/a b', '/dev/disk/by-label/x', 'line')
  expect(query.parse({ status: 0, stdout: LIVE, stderr: '' })).toEqual({
    mounted: {
      type: 'ext3',
      source: '/dev/sda1',
      options: new Set(['rw', 'noatime', 'errors=continue']),
      isWanted: true,
    },
    fstab: { equal: [4], others: [7] },
  })
})

test('the shell of this machine knows what is mounted at /proc, and nothing at a path that is none', () => {
  const ask = (path: string) => {
    const query = mountState(path, 'proc', '')
    const { status, stdout, stderr } = spawnSync('sh', { input: query.script, encoding: 'utf8' })
    return query.parse({ status: status ?? 1, stdout, stderr })
  }
  expect(ask('/proc').mounted).toMatchObject({ type: 'proc', isWanted: true })
  expect(ask("/no/it's such").mounted).toBeUndefined()
})

test('blanks in a field are written as numbers', () => {
  expect(escapeField('a b\\\t')).toBe('a\\040b\\134\\011')
})
