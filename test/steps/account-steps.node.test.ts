import { expect, test } from 'vitest'
import { apt } from '../../src/steps/apt.ts'
import { authorizedKey } from '../../src/steps/authorized-key.ts'
import { block } from '../../src/steps/block.ts'
import { directory } from '../../src/steps/directory.ts'
import { file } from '../../src/steps/file.ts'
import { group } from '../../src/steps/group.ts'
import { line } from '../../src/steps/line.ts'
import { sudoers } from '../../src/steps/sudoers.ts'
import { user } from '../../src/steps/user.ts'
import { useNode } from '../node-fixture.ts'
import { converge, runSteps } from './play-runner.ts'

const node = useNode()
const { sh } = node

// Of "hunter22".
const HASH = '$6$saltsaltsalt$y/I2UrqJ5YHHRlpMYUTvZaJh3XBAbZ5v3gJ4aKpMZVGyhyhSW1rYpLhFwGwyzMYKXFpzaqqmWnCgCPbgqMiAt1'

test('accounts and groups are made with all they have, each drift is mended by itself, and they go', async () => {
  const steps = [
    group({ name: 'ops', gid: 4000 }),
    user({
      name: 'ada',
      uid: 4001,
      group: 'ops',
      groups: ['adm', 'disk'],
      exclusive: true,
      shell: '/bin/bash',
      comment: 'Ada L.',
      home: '/srv/homes/ada',
      passwordHash: HASH,
    }),
  ]
  expect(await converge(node, steps)).toEqual([['exists'], ['exists', 'password']])
  expect(await sh('id ada; getent passwd ada; stat -c "%a %U:%G" ~ada ~ada/.profile')).toBe(
    [
      'uid=4001(ada) gid=4000(ops) groups=4000(ops),4(adm),6(disk)',
      'ada:x:4001:4000:Ada L.:/srv/homes/ada:/bin/bash',
      '700 ada:ops',
      '644 ada:ops',
    ].join('\n'),
  )
  await sh(
    'usermod -s /bin/sh -aG cdrom -c x ada; usermod -L ada; rm -r ~ada; groupmod -g 4009 ops; usermod -g 4009 ada',
  )
  expect(await converge(node, steps)).toEqual([['gid'], ['groups', 'comment', 'shell', 'home directory', 'password']])
  expect(await sh(`grep -cF '${HASH}' /etc/shadow`)).toBe('1')
  expect(await sh('grep -rlF "y/I2UrqJ5YHH" /run /tmp /var/log /root 2>/dev/null || true')).toBe('')
  const gone = [user({ name: 'ada', absent: true, removeHome: true }), group({ name: 'ops', absent: true })]
  expect(await converge(node, gone)).toEqual([['exists'], ['exists']])
  expect(await sh('ls /srv/homes')).toBe('')
})

test('an account that was cut off half-way is finished', async () => {
  await sh('useradd --no-create-home --user-group eve && sed -i /^eve:/d /etc/group && sed -i /^eve:/d /etc/gshadow')
  expect(await converge(node, [user({ name: 'eve' })])).toEqual([['group', 'home directory']])
  expect(await sh('id -gn eve; stat -c %U ~eve')).toBe('eve\neve')
  const system = user({ name: 'daemon2', system: true, shell: '/usr/sbin/nologin' })
  expect(await converge(node, [system])).toEqual([['exists']])
  expect(await sh('[ "$(id -u daemon2)" -lt 1000 ] && ls -d /home/daemon2 2>/dev/null || echo none')).toBe('none')
})

test('keys may log in with the modes that sshd asks for, whoever wrote the file before', async () => {
  await converge(node, [user({ name: 'eve' })])
  const blob = (letter: string) => `AAAAC3NzaC1lZDI1NTE5AAAAI${letter.repeat(43)}`
  const [one, two] = [`ssh-ed25519 ${blob('a')} one@example`, `restrict ssh-ed25519 ${blob('b')} two@example`]
  const step = authorizedKey({ user: 'eve', key: [one, two] })
  const all = ['~/.ssh', 'authorized_keys', 'key ...aaaaaaaa', 'key ...bbbbbbbb']
  expect(await converge(node, [step])).toEqual([all])
  expect(await sh('stat -c "%a %U:%G" ~eve/.ssh ~eve/.ssh/authorized_keys')).toBe('700 eve:eve\n600 eve:eve')
  await sh(
    `cd ~eve/.ssh; printf '# mine\\nssh-ed25519 ${blob('c')}\\nssh-ed25519 ${blob('b')} two' >authorized_keys; chmod 755 .`,
  )
  expect(await converge(node, [step])).toEqual([['~/.ssh', 'key ...aaaaaaaa', 'key ...bbbbbbbb']])
  expect(await sh('cat ~eve/.ssh/authorized_keys')).toBe(`# mine\nssh-ed25519 ${blob('c')}\n${one}\n${two}`)
  expect(await converge(node, [authorizedKey({ user: 'eve', key: two, exclusive: true })])).toEqual([['other keys']])
  expect(await converge(node, [authorizedKey({ user: 'eve', key: two, absent: true })])).toEqual([['key ...bbbbbbbb']])
  expect(await sh('cat ~eve/.ssh/authorized_keys')).toBe('# mine')
  await sh('cd ~eve/.ssh; mv authorized_keys x; ln -s /etc/shadow authorized_keys')
  expect((await runSteps(node, [step])).summary.errors[0]?.message).toContain('authorized_keys is a link')
  const nobody = authorizedKey({ user: 'zoe', key: one })
  expect((await runSteps(node, [nobody])).summary.errors[0]?.message).toContain('there is no user zoe')
  const both = await runSteps(node, [user({ name: 'zoe' }), nobody], { mode: 'plan' })
  expect(both.outcomes[1]).toMatch(/maybe$/)
})

test('rules of sudo are looked at before they are put in place', async () => {
  await converge(node, [user({ name: 'eve' })])
  const rules = (...lines: string[]) => sudoers({ name: 'backup', rules: lines })
  const missing = await runSteps(node, [rules('eve ALL=(root) NOPASSWD: /usr/bin/id')])
  expect(missing.summary.errors[0]?.message).toContain('install sudo')
  await converge(node, [apt({ packages: ['sudo'] })])
  expect(await converge(node, [rules('eve ALL=(root) NOPASSWD: /usr/bin/id')])).toEqual([['rules']])
  expect(await sh('runuser -u eve -- sudo -n id -u')).toBe('0')
  const wrong = await runSteps(node, [rules('eve ALL=(root) NOPASSWD /usr/bin/id')])
  expect(wrong.summary.errors[0]?.message).toContain('syntax error')
  expect(await sh('runuser -u eve -- sudo -n id -u; ls -A /etc/sudoers.d')).toBe('0\nREADME\nbackup')
  await sh('chmod 644 /etc/sudoers.d/backup; chown eve /etc/sudoers.d/backup')
  expect(await converge(node, [rules('eve ALL=(root) NOPASSWD: /usr/bin/id')])).toEqual([['mode', 'owner']])
  expect(await converge(node, [sudoers({ name: 'backup', absent: true })])).toEqual([['exists']])
})

test('lines and blocks get into a file that others write too, with its mode and owner kept', async () => {
  const path = '/etc/lab-lines.conf'
  await sh(
    `printf 'a = 1\\n# port\\nport = 80\\nport = 81\\nlast' >${path}; chown daemon:adm ${path}; chmod 640 ${path}`,
  )
  const steps = [
    line({ path, line: 'port = 8080', matching: '^port *=' }),
    line({ path, line: 'b = 2', after: '^a ' }),
    line({ path, line: 'token = correct horse', secret: true }),
    block({ path, name: 'lab', content: 'x\ny', before: '^# port' }),
  ]
  const plan = await runSteps(node, steps, { mode: 'plan' })
  expect(plan.outcomes.every((outcome) => outcome.endsWith('would-change'))).toBe(true)
  expect(await converge(node, steps)).toEqual([['line'], ['line'], ['line'], ['lab']])
  const text = 'a = 1\nb = 2\n# BEGIN lab\nx\ny\n# END lab\n# port\nport = 8080\nlast\ntoken = correct horse'
  expect(await sh(`cat ${path}; stat -c '%a %U:%G' ${path}`)).toBe(`${text}\n640 daemon:adm`)
  await sh(`sed -i 's/^x$/z/; s/8080/80/' ${path}; echo 'port = 9' >>${path}`)
  const mended = await runSteps(node, steps)
  expect(mended.outcomes.filter((outcome) => outcome.endsWith('changed')).length).toBe(2)
  expect(await sh(`cat ${path}`)).toBe(text)
  expect(JSON.stringify([plan.events, mended.events])).not.toContain('horse')
  const gone = [line({ path, matching: '^(port|b) ', absent: true }), block({ path, name: 'lab', absent: true })]
  expect(await converge(node, gone)).toEqual([['line'], ['lab']])
  const none = await runSteps(node, [line({ path, line: 'c', after: '^nothing' })])
  expect(none.summary.errors[0]?.message).toContain('no line of /etc/lab-lines.conf matches ^nothing')
})

test('everything in a directory gets its owner and modes, and what nothing names goes', async () => {
  const keep = [file({ path: '/srv/tree/kept/deep/file', content: 'x', mode: 0o640 })]
  await converge(node, keep)
  await sh(
    'cd /srv/tree; touch "it\'s \\$one" .hidden a.local; mkdir -p gone/deeper odd; ln -s /etc/passwd link; touch odd/b.local odd/c',
  )
  const purge = directory({ path: '/srv/tree', purge: { keep, except: ['*.local'] } })
  expect(await converge(node, [purge])).toEqual([['.hidden', 'gone', "it's $one", 'link', 'odd/c']])
  expect(await sh('cd /srv/tree; find . | sort | tr "\\n" " "')).toBe(
    '. ./a.local ./kept ./kept/deep ./kept/deep/file ./odd ./odd/b.local',
  )
  await sh('ln -s /etc/passwd /srv/tree/link; chmod 700 /srv/tree/odd')
  const recursive = { owner: 'daemon:adm', fileMode: 0o640, directoryMode: 0o750 }
  const owned = directory({ path: '/srv/tree', mode: 0o750, owner: 'daemon:adm', recursive })
  const all = ['mode', 'owner', 'owner in it', 'mode of files in it', 'mode of directories in it']
  expect(await converge(node, [owned])).toEqual([all])
  expect(await sh('stat -c %U /etc/passwd; stat -c "%a %U" /srv/tree/link /srv/tree/odd')).toBe(
    'root\n777 daemon\n750 daemon',
  )
  const early = [user({ name: 'late' }), directory({ path: '/srv/tree', recursive: { owner: 'late' } })]
  expect((await runSteps(node, early, { mode: 'plan' })).outcomes[1]).toMatch(/maybe$/)
})
