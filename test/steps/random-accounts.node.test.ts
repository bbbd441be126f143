import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { quote } from '../../src/shell/quote.ts'
import { apt } from '../../src/steps/apt.ts'
import { authorizedKey } from '../../src/steps/authorized-key.ts'
import { group } from '../../src/steps/group.ts'
import { sudoers } from '../../src/steps/sudoers.ts'
import { user } from '../../src/steps/user.ts'
import { useNode } from '../node-fixture.ts'
import { converge } from './play-runner.ts'
import { mode, only, RUNS, settle } from './random-state.ts'

const node = useNode()
const { sh } = node
beforeAll(() => converge(node, [apt({ packages: ['sudo'] })]))

// Of "hunter22".
const HASH = '$6$saltsaltsalt$y/I2UrqJ5YHHRlpMYUTvZaJh3XBAbZ5v3gJ4aKpMZVGyhyhSW1rYpLhFwGwyzMYKXFpzaqqmWnCgCPbgqMiAt1'

test('an account, whatever it was before', async () => {
  const account = fc.record({
    uid: fc.constantFrom(4100, 4101),
    shell: fc.constantFrom('/bin/sh', '/bin/bash'),
    comment: fc.constantFrom('', 'Ada L.', "it's"),
    groups: fc.subarray(['adm', 'disk', 'cdrom']),
    passwordHash: fc.constantFrom('!', HASH),
    exclusive: fc.boolean(),
    home: fc.constantFrom('/srv/homes/ada', '/srv/homes/other'),
  })
  const before = fc.option(account, { nil: undefined })
  await fc.assert(
    fc.asyncProperty(before, account, async (was, wanted) => {
      const made =
        was &&
        `useradd -u ${String(was.uid)} -s ${was.shell} -c ${quote(was.comment)} -G ${was.groups.join(',')} -d ${was.home} ada`
      await settle(
        node,
        `userdel ada 2>/dev/null || true; rm -rf /srv/homes; ${made?.replace('-G  ', '') ?? ':'}`,
        user({ name: 'ada', ...wanted }),
      )
      const groups = wanted.exclusive ? wanted.groups : [...new Set([...(was?.groups ?? []), ...wanted.groups])]
      const [entry, found = ''] = (await sh('getent passwd ada | cut -d: -f3,5-7; id -Gn ada')).split('\n')
      expect(entry).toBe([wanted.uid, wanted.comment, wanted.home, wanted.shell].join(':'))
      expect(found.split(' ').sort()).toEqual(['ada', ...groups].sort())
    }),
    RUNS,
  )
})

test('a group, whatever it was before', async () => {
  const gid = fc.option(fc.constantFrom(4200, 4201), { nil: undefined })
  const before = fc.constantFrom(
    ':',
    'groupadd crew',
    'groupadd -g 4200 crew',
    'groupadd -g 4999 crew; useradd -g crew eve',
  )
  await fc.assert(
    fc.asyncProperty(before, gid, fc.boolean(), async (made, number, isSystem) => {
      await settle(
        node,
        `userdel eve 2>/dev/null || true; groupdel crew 2>/dev/null || true; ${made}`,
        group(only<Parameters<typeof group>[0]>({ name: 'crew', gid: number, system: isSystem })),
      )
      if (number !== undefined) expect(await sh('getent group crew | cut -d: -f3')).toBe(String(number))
    }),
    RUNS,
  )
  await settle(node, 'userdel eve 2>/dev/null || true', group({ name: 'crew', absent: true }))
})

const KEYS = ['one', 'two', 'three'].map(
  (name) => `ssh-ed25519 ${Buffer.from(name.padEnd(36, '=')).toString('base64')} ${name}`,
)
const blobOf = (line: string) => /AAAA\S+|ssh-ed25519 (\S+)/.exec(line)?.[1] ?? ''

test('keys that may log in, whatever file was there', async () => {
  const odd = [
    '# by hand',
    '',
    '  ',
    'restrict,command="ls" ' + (KEYS[0] ?? ''),
    (KEYS[1] ?? '').replace('two', 'else'),
  ]
  const state = fc
    .tuple(fc.option(fc.subarray([...KEYS, ...odd]), { nil: undefined }), mode, fc.constantFrom('root', 'daemon'))
    .map(([lines, bits, who]) => {
      const reset = 'id dora >/dev/null 2>&1 || useradd -m dora; rm -rf ~dora/.ssh'
      if (lines === undefined) return reset
      return `${reset}; mkdir ~dora/.ssh; printf %s ${quote(lines.join('\n'))} >~dora/.ssh/authorized_keys
chown ${who} ~dora/.ssh/authorized_keys; chmod ${bits.toString(8)} ~dora/.ssh ~dora/.ssh/authorized_keys`
    })
  const special = 'id dora >/dev/null 2>&1 || useradd -m dora; mkdir -p ~dora/.ssh; chmod 4711 ~dora/.ssh'
  const wish = fc.tuple(fc.subarray(KEYS, { minLength: 1 }), fc.constantFrom({}, { exclusive: true }, { absent: true }))
  await fc.assert(
    fc.asyncProperty(state, wish, async (script, [key, how]) => {
      await settle(node, script, authorizedKey({ user: 'dora', key, ...how }))
      const found = (await sh('cat ~dora/.ssh/authorized_keys 2>/dev/null || true'))
        .split('\n')
        .map(blobOf)
        .filter(Boolean)
      const wanted = key.map(blobOf)
      if ('absent' in how) expect(found.filter((blob) => wanted.includes(blob))).toEqual([])
      else {
        expect(new Set(found)).toEqual(new Set([...('exclusive' in how ? [] : found), ...wanted]))
        expect(await sh("stat -c '%a %U' ~dora/.ssh ~dora/.ssh/authorized_keys")).toBe('700 dora\n600 dora')
      }
    }),
    { ...RUNS, examples: [[special, [KEYS, {}]]] },
  )
})

test('rules of sudo, whatever stood in their file', async () => {
  const rule = fc.constantFrom('daemon ALL=(root) NOPASSWD: /usr/bin/sync', 'Defaults:daemon !lecture', '# a remark')
  const state = fc.oneof(
    fc.constantFrom(':', 'ln -s /nowhere $f', 'echo "not a rule at all" >$f', 'mkfifo $f'),
    fc.tuple(rule, mode).map(([line, bits]) => `echo ${quote(line)} >$f; chmod ${bits.toString(8)} $f`),
  )
  const wish = fc.option(fc.array(rule, { minLength: 1, maxLength: 3 }), { nil: undefined })
  await fc.assert(
    fc.asyncProperty(state, wish, async (script, rules) => {
      const step = rules === undefined ? sudoers({ name: 'odd', absent: true }) : sudoers({ name: 'odd', rules })
      await settle(node, `f=/etc/sudoers.d/odd; rm -f $f; ${script}`, step)
      const found = await sh('cat /etc/sudoers.d/odd 2>/dev/null || true; visudo -c >/dev/null')
      expect(found).toBe((rules ?? []).join('\n'))
    }),
    RUNS,
  )
})
