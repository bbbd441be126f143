import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Account, Accounts } from '../../src/facts/accounts.ts'
import { user } from '../../src/steps/user.ts'
import { consider } from './step-case.ts'

const ada: Account = { uid: 1000, gid: 1000, comment: '', home: '/home/ada', hasHome: true, shell: '/bin/sh' }
const known = (changed: Partial<Account> | null = {}): { accounts: Accounts } => ({
  accounts: {
    users: new Map(changed === null ? [] : [['ada', { ...ada, ...changed }]]),
    groups: new Map([
      ['ada', { gid: 1000, members: [] }],
      ['adm', { gid: 4, members: ['ada'] }],
      ['disk', { gid: 6, members: [] }],
    ]),
  },
})
const HASH = '$y$j9T$saltsaltsalt$hashhashhashhash'

test('an account as it should be is nothing to do; what is not said is left alone', async () => {
  expect((await consider(user({ name: 'ada' }), known())).changes).toEqual([])
  const all = user({ name: 'ada', uid: 1000, group: 'ada', groups: ['adm'], shell: '/bin/sh', home: '/home/ada' })
  expect((await consider(all, known())).changes).toEqual([])
})

test('a new one is made with all it has, its home last and complete', async () => {
  const wanted = user({ name: 'ada', uid: 1001, groups: ['disk'], comment: 'Ada', passwordHash: HASH })
  const { changes, commands } = await consider(wanted, { ...known(null), 'password:ada': undefined })
  expect(changes.map(({ path }) => path)).toEqual(['exists', 'password'])
  expect(commands.map(({ argv }) => argv[0])).toEqual(['useradd', 'chpasswd', 'sh'])
  expect(commands[0]?.argv.join(' ')).toBe(
    'useradd --no-create-home --gid ada --uid 1001 --groups adm,disk --comment Ada --home /home/ada -- ada',
  )
  expect(commands[1]).toMatchObject({ stdin: `ada:${HASH}\n`, secrets: [HASH] })
  expect(commands[2]?.argv.slice(-2)).toEqual(['/home/ada', 'ada:'])
})

test('what differs is mended by itself', async () => {
  const wanted = user({ name: 'ada', uid: 1001, groups: ['disk'], shell: '/bin/bash' })
  const { changes, commands } = await consider(wanted, known({ hasHome: false }))
  expect(changes).toEqual([
    { path: 'uid', from: '1000', to: '1001' },
    { path: 'groups', from: 'adm', to: 'adm,disk' },
    { path: 'shell', from: '/bin/sh', to: '/bin/bash' },
    { path: 'home directory', from: undefined, to: '/home/ada' },
  ])
  expect(commands[0]?.argv.join(' ')).toBe('usermod --uid 1001 --groups adm,disk --shell /bin/bash -- ada')
})

test('of no other groups when that is said', async () => {
  const { changes } = await consider(user({ name: 'ada', groups: ['disk'], exclusive: true }), known())
  expect(changes).toEqual([{ path: 'groups', from: 'adm', to: 'disk' }])
})

test('an account whose group was never made gets it', async () => {
  const { changes, commands } = await consider(user({ name: 'ada' }), known({ gid: 1007 }))
  expect(changes).toEqual([{ path: 'group', from: '1007', to: 'ada' }])
  expect(commands[0]?.argv).toEqual(['groupadd', '--gid', '1007', '--', 'ada'])
})

test('a password is compared by a digest and shown nowhere', async () => {
  const wanted = user({ name: 'ada', passwordHash: HASH })
  const same = { ...known(), 'password:ada': createHash('sha256').update(HASH).digest('hex') }
  expect((await consider(wanted, same)).changes).toEqual([])
  const { changes, commands } = await consider(wanted, { ...known(), 'password:ada': 'f00' })
  expect(changes).toEqual([{ path: 'password', from: '***', to: '***' }])
  expect(JSON.stringify([changes, commands.map(({ argv }) => argv)])).not.toContain('hash')
  expect(() => user({ name: 'ada', passwordHash: 'pass word' })).toThrow('not the hash of a password')
})

test('homes that are not wanted, or belong to the system, are not made', async () => {
  expect((await consider(user({ name: 'ada', home: false }), known({ hasHome: false }))).changes).toEqual([])
  expect((await consider(user({ name: 'ada' }), known({ uid: 33, hasHome: false }))).changes).toEqual([])
})

test('one that must be absent goes, its home before it, but never much more than a home', async () => {
  const { commands } = await consider(user({ name: 'ada', absent: true, removeHome: true }), known())
  expect(commands.map(({ argv }) => argv[0])).toEqual(['sh', 'userdel'])
  expect((await consider(user({ name: 'ada', absent: true }), known(null))).changes).toEqual([])
  const near = consider(user({ name: 'ada', absent: true, removeHome: true }), known({ home: '/srv' }))
  await expect(near).rejects.toThrow('too near the root')
})
