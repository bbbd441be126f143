import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import shapes from '../../src/model/step-options.json' with { type: 'json' }
import { useNode } from '../node-fixture.ts'
import { startEngine } from './engine-node.ts'

// Playbooks with secrets, run by lab itself on a real node, with every change, every failure and all that is shown. Then
// everything that somebody else might read is searched for what is in the middle of each secret, whatever is around it.
const core = (name: string) => `${name}${randomBytes(8).toString('hex')}`
const CORES = { env: core('Env'), file: core('File'), literal: core('Literal'), hash: core('Hash') }
const SECRETS = {
  env: `tok-${CORES.env}-x`,
  file: `it's "${CORES.file}" \\$HOME $(id)`,
  literal: `first line\n  ${CORES.literal}\tit's`,
  hash: `$6$saltsaltsalt$${CORES.hash}`,
}

const PRODUCT = new URL('../..', import.meta.url).pathname
const node = useNode()
const { sh } = node
let directory: string
beforeAll(async () => {
  execFileSync('node', ['build.mjs'], { cwd: PRODUCT })
  directory = node.open.lab.directory
  writeFileSync(
    join(directory, 'lab.yml'),
    `name: ${node.open.lab.name}\nnodes:\n  - { name: node1, roles: [manager, worker, build, edge, registry, logs] }\n`,
  )
  writeFileSync(join(directory, 'token'), `${SECRETS.file}\n`, { mode: 0o600 })
  writeFileSync(join(directory, 'literal'), JSON.stringify([SECRETS.literal, SECRETS.hash]), { mode: 0o600 })
  writeFileSync(join(directory, 'play.ts'), PLAYBOOK)
  await startEngine(node.connection, { swarm: true })
  await watch()
})

const PLAYBOOK = String.raw`import { readFileSync } from 'node:fs'
import { attempt, playbook, secret, type Step } from 'lab'
import { block } from 'lab/steps/block'
import { command } from 'lab/steps/command'
import { file } from 'lab/steps/file'
import { line } from 'lab/steps/line'
import { swarmSecret } from 'lab/steps/swarm-secret'
import { render } from 'lab/steps/template'
import { user } from 'lab/steps/user'

const token = secret({ env: 'LAB_TEST_TOKEN' })
const key = secret({ file: new URL('token', import.meta.url) })
const [literal, hash] = JSON.parse(readFileSync(new URL('literal', import.meta.url), 'utf8')) as [string, string]

const good = (n: number): Step[] => [
  command({ title: 'begin notes', run: 'umask 077; mkdir -p /srv/s; echo plain >/srv/s/notes', creates: '/srv/s/notes' }),
  file({ path: '/srv/s/literal', content: literal + n, secret: true, owner: 'daemon' }),
  file({ path: '/srv/s/bytes', content: Buffer.from(literal + n), secret: true }),
  file({ path: '/srv/s/token', content: 'token=' + token + '\nkey=' + key + '\n' + n }),
  file({ path: '/srv/s/app.conf', content: render('password = {{key}}\nn = {{n}}\n', { key, n }) }),
  line({ path: '/srv/s/notes', line: 'pass ' + key, matching: '^pass ' }),
  line({ path: '/srv/s/notes', line: 'other ' + literal.split('\n')[1] + n, matching: '^other ', secret: true }),
  block({ path: '/srv/s/notes', name: 'b', content: token + '\n' + n }),
  block({ path: '/srv/s/notes', name: 'c', content: literal + n, secret: true }),
  command({ title: 'take', run: 'cat >/srv/s/taken; chmod 600 /srv/s/taken', stdin: key, always: true }),
  command({ title: 'show', run: 'set -x; read -r word; echo "$word" >&2; echo $word', stdin: token + '\n', always: true }),
  command({ title: 'long', run: 'umask 077; cat >/srv/s/long', stdin: literal, secrets: [literal], unit: 'lab-long', always: true }),
  user({ name: 'ada', passwordHash: hash + n }),
  swarmSecret({ name: 'web', content: literal + n }),
  swarmSecret({ name: 'api', content: token + n }),
]
const tried = (title: string, step: Step) => attempt({ title, steps: [step], rescue: [command({ title: 'after ' + title, run: 'true', always: true })] })
const bad = [
  tried('a', file({ path: '/srv', content: literal, secret: true })),
  tried('b', file({ path: '/srv', content: key })),
  tried('c', line({ path: '/srv/none', line: key })),
  tried('d', line({ path: '/srv/s/notes', line: literal.split('\n')[1] + 'new', secret: true, after: '^no such line' })),
  tried('e', block({ path: '/srv/s/notes', name: 'd', content: literal, secret: true, after: '^no such line' })),
  tried('f', command({ title: 'tell', run: 'cat >&2; exit 3', stdin: literal, secrets: [literal], always: true })),
  tried('g', command({ title: 'tell all', run: 'set -x; word=$(cat); echo "$word"; exit 3', stdin: key, always: true })),
  tried('h', command({ title: 'in vain', run: 'cat', stdin: token, unless: 'false' })),
  tried('i', command({ title: 'long tell', run: 'cat >&2; exit 4', stdin: token, unit: 'lab-tell', always: true })),
  tried('j', user({ name: 'eve', uid: 1, passwordHash: hash })),
  tried('k', swarmSecret({ name: 'web', content: literal + 'refused' })),
  tried('l', command({ title: 'stops', run: 'kill -9 $PPID; sleep 1', stdin: key, always: true })),
]
const gone = ['notes', 'literal', 'bytes', 'token', 'app.conf'].map((name) => file({ path: '/srv/s/' + name, absent: true }))
export default playbook({ name: 'Secrets', vars: { n: 1 }, plays: ({ vars }) => [
  { name: 'Good', hosts: 'all', tags: ['good'], steps: good(vars.n) },
  { name: 'Bad', hosts: 'all', tags: ['bad'], steps: bad },
  { name: 'Gone', hosts: 'all', tags: ['gone'], steps: gone },
] })
`

/** Notes every program that is started by the node's sshd, systemd or engine: its arguments and its environment. */
async function watch(): Promise<void> {
  await sh(`apt-get -qq update; apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends strace >/dev/null
systemd-run -q --unit=watch strace -f -qq -v -s 100000 -e trace=execve -o /root/started -p 1 $(pgrep -x 'sshd|sshd-session|sshd-auth' | sed 's/^/-p /')
n=0
until grep -qs '^TracerPid:.*[1-9]' /proc/1/status; do [ $((n += 1)) -lt 200 ]; sleep 0.05; done`)
}

/** Runs lab as a user does; also what it starts on this machine is looked at. */
async function lab(...args: readonly string[]): Promise<{ readonly status: number | null; readonly output: string }> {
  const child = spawn('node', [join(PRODUCT, 'dist/src/cli/main.js'), 'run', 'play.ts', ...args], {
    cwd: directory,
    env: { ...process.env, LAB_TEST_TOKEN: SECRETS.env, LAB_DEBUG: '1' },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()))
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { status, output }
}

/** Which secrets stand in a text, as they are or as base64. */
function found(text: string): readonly string[] {
  const forms = Object.entries(CORES).map(([name, middle]) => [name, middle] as const)
  const packed = Object.entries(SECRETS).map(
    ([name, whole]) => [`${name} (base64)`, Buffer.from(whole).toString('base64').slice(0, 40)] as const,
  )
  return [...forms, ...packed].filter(([, form]) => text.includes(form)).map(([name]) => name)
}

test('every step that takes a secret is among them', () => {
  const kinds = Object.entries(shapes as Record<string, object>).flatMap(([kind, options]) =>
    ['secret', 'secrets', 'stdin', 'passwordHash'].some((name) => name in options) ? [kind] : [],
  )
  expect([...kinds, 'swarm-secret'].filter((kind) => !PLAYBOOK.includes(`'lab/steps/${kind}'`))).toEqual([])
})

// Tracing makes the node slow.
test('no output, event, diff or record of any run shows a secret', { timeout: 600_000 }, async () => {
  const runs = [
    ['--tags', 'good', '--check', '--diff'],
    ['--tags', 'good', '--diff'],
    ['--tags', 'good', '--diff', '--json', '--var', 'n=2'],
    ['--tags', 'bad', '--diff'],
    ['--tags', 'gone', '--diff'],
  ]
  for (const args of runs) {
    const { status, output } = await lab(...args)
    expect(found(output), args.join(' ')).toEqual([])
    expect(output, args.join(' ')).not.toContain('WRONG_OPTION')
    if (!args.includes('bad')) expect(status, output).not.toBe(64)
    if (args.includes('good') && !args.includes('--check')) expect(status, output).toBe(0)
  }
  const records = readdirSync(join(directory, '.lab/runs')).filter((name) => name.endsWith('.jsonl'))
  expect(records.length).toBe(5)
  for (const name of records) {
    const path = join(directory, '.lab/runs', name)
    expect(found(readFileSync(path, 'utf8')), name).toEqual([])
    expect(statSync(path).mode & 0o077).toBe(0)
  }
})

test('no argument and no environment of what was started on the node holds a secret', async () => {
  await sh('systemctl stop watch')
  const started = (await node.connection.readFile('/root/started')).toString()
  expect(started).toMatch(/execve\(".*chpasswd/)
  expect(started).toMatch(/execve\(".*curl/)
  expect(started.split('\n').length).toBeGreaterThan(300)
  const leaks = started.split('\n').filter((line) => found(line).length > 0)
  expect(leaks.map((line) => line.slice(0, 300))).toEqual([])
})

test('no file of the node that others may read, and no journal, holds a secret', async () => {
  const patterns = [
    ...Object.values(CORES),
    ...Object.values(SECRETS).map((whole) => Buffer.from(whole).toString('base64').slice(0, 40)),
  ]
  await node.connection.writeFile('/root/patterns', `${patterns.join('\n')}\n`, 0o600)
  const readable =
    await sh(`find /tmp /var/tmp /dev/shm /run /etc /srv /var/log /var/lib/lab /root /home -xdev -type f ! -path '/etc/shadow*' -perm /044 \\
  -exec grep -laF -f /root/patterns {} + || true`)
  expect(readable).toBe('')
  const left =
    await sh(`find /tmp /var/tmp /dev/shm /run /srv /etc /root -xdev -type f ! -path /root/patterns ! -path '/etc/shadow*' \\
  -exec grep -laF -f /root/patterns {} + || true`)
  expect(left.split('\n').sort()).toEqual(['/srv/s/long', '/srv/s/taken'])
  expect(await sh('journalctl --no-pager -o export | grep -caF -f /root/patterns || true')).toBe('0')
})
