import { expect, test } from 'vitest'
import { apt } from '../../src/steps/apt.ts'
import { command } from '../../src/steps/command.ts'
import { directory } from '../../src/steps/directory.ts'
import { absentFile, file } from '../../src/steps/file.ts'
import { service } from '../../src/steps/service.ts'
import { symlink } from '../../src/steps/symlink.ts'
import { sysctl } from '../../src/steps/sysctl.ts'
import { useNode } from '../node-fixture.ts'
import { converge, runSteps } from './play-runner.ts'

const node = useNode()
const { sh } = node

test('a file is written with its parents, its mode and owner mended alone, and removed', async () => {
  const wanted = {
    path: "/etc/lab-test/deep/it's $file",
    content: "text with 'quotes' and ünï\n",
    mode: 0o640,
    owner: 'root:adm',
  }
  expect(await converge(node, [file(wanted)])).toEqual([['content']])
  expect(await node.connection.readFile(wanted.path)).toEqual(Buffer.from(wanted.content))
  const inode = await sh(`stat -c %i "${wanted.path.replace('$', '\\$')}"`)
  await sh(`chmod 600 /etc/lab-test/deep/*; chown daemon /etc/lab-test/deep/*`)
  expect(await converge(node, [file(wanted)])).toEqual([['mode', 'owner']])
  expect(await sh(`stat -c '%a %U:%G %i' /etc/lab-test/deep/*`)).toBe(`640 root:adm ${inode}`)
  expect(await converge(node, [absentFile(wanted.path)])).toEqual([['exists']])
  expect(await sh('ls -A /etc/lab-test/deep')).toBe('')
})

test('a binary file, a symlink in its place, and a file that is a mount point are all filled', async () => {
  const content = Uint8Array.from({ length: 300_000 }, (_, i) => i % 256)
  await sh('ln -s /etc/hostname /etc/lab-test/binary')
  expect(await converge(node, [file({ path: '/etc/lab-test/binary', content })])).toEqual([['type']])
  expect(await node.connection.readFile('/etc/lab-test/binary')).toEqual(Buffer.from(content))
  await sh('touch /etc/lab-test/mounted && mount --bind /etc/lab-test/binary /etc/lab-test/mounted')
  expect(await converge(node, [file({ path: '/etc/lab-test/mounted', content: 'in place\n' })])).toEqual([['content']])
  expect(await sh('cat /etc/lab-test/mounted; umount /etc/lab-test/mounted')).toBe('in place')
})

test('a secret is written unseen: not in the plan, not in an argument, not left in a file', async () => {
  const secret = 'correct horse battery staple'
  const step = file({ path: '/etc/lab-test/secret', content: secret, secret: true })
  const { events } = await runSteps(node, [step], { diff: true })
  expect(JSON.stringify(events)).not.toContain('horse')
  expect(JSON.stringify(events)).toContain('***')
  expect(await sh('stat -c %a /etc/lab-test/secret')).toBe('600')
  expect(await sh('grep -rl "horse battery" /run /tmp /var/log /root 2>/dev/null || true')).toBe('')
})

test('--diff shows what changes in a file, line by line', async () => {
  await sh('printf "one\\ntwo\\n" >/etc/lab-test/list')
  const { events } = await runSteps(node, [file({ path: '/etc/lab-test/list', content: 'one\n2\n' })], {
    mode: 'plan',
    diff: true,
  })
  const [step] = events.filter((event) => event.type === 'step')
  expect(step?.diff).toContain('-two\n+2\n')
  expect(await sh('cat /etc/lab-test/list')).toBe('one\ntwo')
})

test('directories and links are made, mended and removed', async () => {
  const steps = [
    directory({ path: '/srv/a/b', mode: 0o2775, owner: 'root:adm' }),
    symlink({ path: '/srv/link', target: 'a/b' }),
  ]
  expect(await converge(node, steps)).toEqual([['type'], ['target']])
  await sh('chmod 700 /srv/a/b; ln -sfn /elsewhere /srv/link')
  expect(await converge(node, steps)).toEqual([['mode'], ['target']])
  expect(await sh('readlink /srv/link; stat -c "%a %G" /srv/a/b')).toBe('a/b\n2775 adm')
  expect(await converge(node, [directory({ path: '/srv/a', absent: true })])).toEqual([['exists']])
})

test('kernel settings hold now and after a boot', async () => {
  const step = sysctl({
    name: 'lab-test',
    settings: { 'net.ipv4.ip_local_port_range': '20000 30000', 'net.no.such': 1 },
    optional: true,
  })
  expect(await converge(node, [step])).toEqual([['net.ipv4.ip_local_port_range', '/etc/sysctl.d/90-lab-test.conf']])
  await sh('echo 30000 40000 >/proc/sys/net/ipv4/ip_local_port_range')
  expect(await converge(node, [step])).toEqual([['net.ipv4.ip_local_port_range']])
  const missing = await runSteps(node, [sysctl({ name: 'lab-test', settings: { 'net.no.such': 1 } })])
  expect(missing.summary.errors[0]?.message).toContain('no setting net.no.such')
})

test('packages are removed and installed', async () => {
  const hello = apt({ packages: ['hello'] })
  expect(await converge(node, [hello])).toEqual([['hello']])
  expect(await converge(node, [apt({ packages: ['hello'], absent: true })])).toEqual([['hello']])
  const unknown = await runSteps(node, [apt({ packages: ['no-such-package'] })])
  expect(unknown.summary.errors[0]).toMatchObject({
    code: 'STEP_FAILED',
    hint: expect.stringContaining('lab up --limit node1') as string,
  })
  expect(unknown.summary.errors[0]?.message).toContain('Unable to locate package no-such-package')
  expect(unknown.summary.errors[0]?.where).toContain('generic-steps.node.test.ts:')
})

test('a command runs where its test fails, and is an error where the test goes on failing', async () => {
  const creates = command({ title: 'mark', run: ['touch', '/srv/marked'], creates: '/srv/marked' })
  const unless = command({ title: 'count', run: 'echo 1 >>/srv/count', unless: 'test "$(cat /srv/count)" = 1' })
  expect(await converge(node, [creates, unless])).toEqual([['/srv/marked'], ['test']])
  const never = command({ title: 'nothing', run: 'true', unless: 'false' })
  expect((await runSteps(node, [never])).summary.errors[0]).toMatchObject({ code: 'NOT_CONVERGED' })
  const failing = command({ title: 'fail', run: 'echo why >&2; exit 9', always: true })
  expect((await runSteps(node, [failing])).summary.errors[0]?.message).toContain('its script exited with 9:\nwhy')
})

const UNIT = '/etc/systemd/system/lab-test.service'
const unitFile = (text: string) =>
  file({
    path: UNIT,
    content: `[Service]\nExecStart=/bin/sleep infinity\nExecReload=/bin/true\n${text}[Install]\nWantedBy=multi-user.target\n`,
  })
const pid = () => sh('systemctl show -p MainPID --value lab-test')

test('a service is started, enabled, and restarted when a file it reads has changed: by lab or by hand', async () => {
  const config = (text: string) => file({ path: '/etc/lab-test.conf', content: text })
  const steps = (text: string) => {
    const files = [unitFile(''), config(text)]
    return [...files, service({ unit: 'lab-test', running: true, enabled: true, restartAfter: files })]
  }
  expect(await converge(node, steps('1'))).toEqual([['content'], ['content'], ['enabled', 'running']])
  const first = await pid()
  expect((await runSteps(node, steps('2'), { mode: 'plan' })).outcomes.at(-1)).toMatch(/maybe$/)
  expect(await converge(node, steps('2'))).toEqual([[], ['content'], ['restarted']])
  const second = await pid()
  expect(second).not.toBe(first)
  // By hand, with the time of the file set back: what was in force at the start is known, not only when.
  await sh('printf 2 >/etc/lab-test.conf; touch -d 2001-01-01 /etc/lab-test.conf')
  expect((await runSteps(node, steps('2'))).summary.changed).toBe(0)
  await sh('printf 3 >/etc/lab-test.conf; touch -d 2001-01-01 /etc/lab-test.conf')
  expect(await converge(node, steps('3'))).toEqual([[], [], ['restarted']])
  await sh('systemctl stop lab-test; systemctl disable -q lab-test')
  expect(await converge(node, steps('3'))).toEqual([[], [], ['enabled', 'running']])
})

test('a run that died between writing a file and restarting is mended by the next', async () => {
  const steps = () => [unitFile(''), service({ unit: 'lab-test', running: true, restartAfter: [unitFile('')] })]
  await converge(node, steps())
  // Restarted by somebody else: lab's note is of no use, the clock has to tell.
  await sh('systemctl restart lab-test')
  expect((await runSteps(node, steps())).summary.changed).toBe(0)
  const before = await pid()
  await sh(`touch ${UNIT}`)
  const changes = await converge(node, steps())
  expect(changes[1]).toContain('restarted')
  expect(await pid()).not.toBe(before)
  // A file that went away, and the run died there.
  const extra = '/etc/lab-test.extra'
  await converge(node, [
    file({ path: extra, content: 'x' }),
    service({ unit: 'lab-test', running: true, restartAfter: [file({ path: extra, content: 'x' })] }),
  ])
  await sh('systemctl restart lab-test')
  await runSteps(node, [absentFile(extra)])
  expect(
    (await converge(node, [service({ unit: 'lab-test', running: true, restartAfter: [absentFile(extra)] })]))[0],
  ).toEqual(['restarted'])
})

test('a unit file that changed is read again, a reload is enough where that is said, and a mask holds', async () => {
  const steps = (text: string) => {
    const unit = unitFile(text)
    return [unit, service({ unit: 'lab-test', running: true, reloadAfter: [unit] })]
  }
  await converge(node, steps(''))
  const before = await pid()
  const changes = await converge(node, steps('Environment=A=1\n'))
  expect(changes[1]).toContain('reloaded')
  expect(await pid()).toBe(before)
  expect(await sh('systemctl show -p Environment --value lab-test')).toBe('A=1')
  expect(await converge(node, [service({ unit: 'lab-test', running: false, enabled: false })])).toEqual([
    ['enabled', 'running'],
  ])
  await sh(`rm ${UNIT}; systemctl daemon-reload`)
  expect(await converge(node, [service({ unit: 'lab-test', masked: true })])).toEqual([['masked']])
  expect(await converge(node, [service({ unit: 'lab-test', masked: false })])).toEqual([['masked']])
})

test('a service that cannot start is an error with the last lines of its journal', async () => {
  const unit = file({
    path: UNIT,
    content: '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo the reason; exit 1"\n',
  })
  const { summary } = await runSteps(node, [unit, service({ unit: 'lab-test', running: true, restartAfter: [unit] })])
  expect(summary.errors[0]?.message).toContain('the reason')
  const none = await runSteps(node, [service({ unit: 'no-such-unit', running: true })])
  expect(none.summary.errors[0]?.message).toContain('no-such-unit.service')
})

test('sockets, timers and one-shot units that remain are services too', async () => {
  const files = [
    file({ path: '/etc/systemd/system/lab-test.socket', content: '[Socket]\nListenStream=/run/lab-test.sock\n' }),
    file({ path: UNIT, content: '[Service]\nExecStart=/bin/sleep infinity\n' }),
    file({
      path: '/etc/systemd/system/lab-once.service',
      content: '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n',
    }),
    file({
      path: '/etc/systemd/system/lab-once.timer',
      content: '[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n',
    }),
  ]
  const services = (restartAfter: typeof files) => [
    service({ unit: 'lab-test.socket', running: true, restartAfter }),
    service({ unit: 'lab-test', running: true, restartAfter }),
    service({ unit: 'lab-once', running: true, restartAfter }),
    service({ unit: 'lab-once.timer', running: true, enabled: true, restartAfter }),
  ]
  await converge(node, [...files, ...services(files)])
  await sh('for unit in lab-test.socket lab-test lab-once lab-once.timer; do systemctl is-active $unit; done')
  const socket = file({
    path: '/etc/systemd/system/lab-test.socket',
    content: '[Socket]\nListenStream=/run/lab-test.sock\nSocketMode=0600\n',
  })
  await converge(node, [socket, service({ unit: 'lab-test.socket', running: true, restartAfter: [socket] })])
  expect(await sh('stat -c %a /run/lab-test.sock; systemctl is-active lab-test')).toBe('600\nactive')
})
