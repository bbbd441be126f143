import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { quote } from '../../src/shell/quote.ts'
import { command } from '../../src/steps/command.ts'
import { script } from '../../src/steps/script.ts'
import { service } from '../../src/steps/service.ts'
import { timer } from '../../src/steps/timer.ts'
import { unit } from '../../src/steps/unit.ts'
import { wait } from '../../src/steps/wait.ts'
import { useNode } from '../node-fixture.ts'
import { runSteps } from './play-runner.ts'
import { only, RUNS, settle } from './random-state.ts'

const node = useNode()
const { sh } = node
let local: string
beforeAll(async () => {
  local = await mkdtemp(join(tmpdir(), 'lab-random-'))
})
afterAll(() => rm(local, { recursive: true, force: true }))

const UNITS = '/etc/systemd/system'
const SLEEP = '[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n'
const written = (path: string, content: string) =>
  `mkdir -p ${path.replace(/[^/]*$/, '')}; printf %s ${quote(content)} >${path}`
const GONE = (name: string) => `systemctl unmask -q ${name} 2>/dev/null || true
systemctl disable --now -q ${name} 2>/dev/null || true
rm -rf ${UNITS}/${name} ${UNITS}/${name}.d; systemctl daemon-reload; systemctl reset-failed ${name} 2>/dev/null || true\n`

test('a unit file or a drop-in, whatever was in its place', async () => {
  const file = fc.constantFrom(
    ':',
    `ln -s /dev/null ${UNITS}/odd.service`,
    `${written(`${UNITS}/odd.service`, SLEEP)}; chmod 600 ${UNITS}/odd.service`,
    `${written(`${UNITS}/odd.service`, SLEEP)}; systemctl daemon-reload; systemctl enable --now -q odd`,
    `${written(`${UNITS}/odd.service`, `${SLEEP}# other\n`)}; systemctl daemon-reload; echo '# new' >>${UNITS}/odd.service`,
  )
  const dropIn = fc.constantFrom(':', written(`${UNITS}/odd.service.d/nice.conf`, '[Service]\nNice=1\n'))
  const wish = fc.constantFrom(
    unit({ name: 'odd', content: SLEEP }),
    unit({ name: 'odd', absent: true }),
    unit({ name: 'odd', dropIn: 'nice', content: '[Service]\nNice=2\n' }),
    unit({ name: 'odd', dropIn: 'nice', absent: true }),
  )
  await fc.assert(
    fc.asyncProperty(file, dropIn, wish, async (main, extra, step) => {
      await settle(node, `${GONE('odd.service')}${main}; ${extra}`, step)
      expect(await sh('systemctl show -p NeedDaemonReload --value odd.service')).toBe('no')
    }),
    RUNS,
  )
  await sh(GONE('odd.service'))
})

test('a service, whatever it was doing', async () => {
  const flag = fc.option(fc.boolean(), { nil: undefined })
  const state = fc.constantFrom(
    ':',
    'systemctl start odd',
    'systemctl enable -q odd',
    'systemctl enable -q --now odd; systemctl kill -s KILL odd',
    'systemctl mask -q odd',
    'systemctl start odd; systemctl mask -q --runtime odd',
    `systemctl start odd; echo '# new' >>/usr/local/lib/systemd/system/odd.service`,
  )
  const wish = fc.record({ running: flag, enabled: flag, masked: flag }).filter(({ running, enabled, masked }) => {
    return masked !== true || (running !== true && enabled !== true)
  })
  const reset = `${GONE('odd.service')}mkdir -p /usr/local/lib/systemd/system
${written('/usr/local/lib/systemd/system/odd.service', SLEEP)}; systemctl daemon-reload\n`
  await fc.assert(
    fc.asyncProperty(state, wish, async (script, wanted) => {
      await settle(node, reset + script, service(only<Parameters<typeof service>[0]>({ unit: 'odd', ...wanted })))
      const [active, enabled] = (await sh('systemctl is-active odd || true; systemctl is-enabled odd || true')).split(
        '\n',
      )
      if (wanted.running !== undefined) expect(active === 'active').toBe(wanted.running)
      if (wanted.masked === true) expect(enabled).toBe('masked')
      else if (wanted.enabled !== undefined) expect(enabled === 'enabled').toBe(wanted.enabled)
    }),
    RUNS,
  )
})

test('a timer, whatever of it was there', async () => {
  const states = fc.subarray([
    written(`${UNITS}/odd.timer`, '[Timer]\nOnCalendar=hourly\n[Install]\nWantedBy=timers.target\n'),
    written(`${UNITS}/odd.service`, '[Service]\nExecStart=/bin/false\n'),
    'systemctl daemon-reload; systemctl start odd.timer 2>/dev/null || true',
    'systemctl enable -q odd.timer 2>/dev/null || true',
    `chmod 600 ${UNITS}/odd.timer 2>/dev/null || true`,
  ])
  const wish = fc.constantFrom(
    timer({ name: 'odd', command: ['/bin/echo', '%n $HOME'], calendar: 'Mon *-*-* 03:00' }),
    timer({ name: 'odd', command: 'true', everyMs: 3_600_000, user: 'daemon' }),
    timer({ name: 'odd', absent: true }),
  )
  await fc.assert(
    fc.asyncProperty(states, wish, async (made, step) => {
      await settle(node, [GONE('odd.timer'), GONE('odd.service'), ...made].join('\n'), step)
      const active = await sh('systemctl is-active odd.timer || true')
      expect(active).toBe(step.title.startsWith('no ') ? 'inactive' : 'active')
    }),
    RUNS,
  )
})

test('what a command or a script makes, whatever was there', async () => {
  await writeFile(join(local, 'make.sh'), 'echo "$1" >/srv/odd-made\n')
  const state = fc.constantFrom(
    ':',
    'echo yes >/srv/odd-made',
    'echo no >/srv/odd-made',
    'ln -s /nowhere /srv/odd-made',
  )
  const creates = { creates: '/srv/odd-made' }
  const unless = { unless: '[ "$(cat /srv/odd-made)" = yes ]' }
  const wish = fc.constantFrom(
    command({ title: 'make it', run: 'echo yes >/srv/odd-made', ...creates }),
    command({
      title: 'make it so',
      run: ['sh', '-c', 'rm -f /srv/odd-made; cat >/srv/odd-made'],
      stdin: 'yes\n',
      ...unless,
    }),
    script({ file: join(local, 'make.sh'), args: ['yes'], ...creates }),
  )
  await fc.assert(
    fc.asyncProperty(state, wish, (made, step) => settle(node, `rm -rf /srv/odd-made; ${made}`, step)),
    RUNS,
  )
})

test('what is waited for, whether it is so already or comes about', async () => {
  const late = fc.constantFrom('', 'systemd-run -q --collect sh -c ')
  const wish = fc.constantFrom(
    [wait({ path: '/srv/odd-late' }), 'touch /srv/odd-late'] as const,
    [wait({ until: '[ -s /srv/odd-text ]', title: 'it is full' }), 'echo x >/srv/odd-text'] as const,
    [wait({ unit: 'odd-late' }), 'systemd-run -q --unit=odd-late sleep infinity'] as const,
  )
  await fc.assert(
    fc.asyncProperty(late, wish, async (delay, [step, event]) => {
      await sh('rm -rf /srv/odd-late /srv/odd-text; systemctl stop odd-late 2>/dev/null || true')
      await sh(delay === '' ? event : `${delay}${quote(`sleep 0.7; ${event}`)}`)
      const { summary } = await runSteps(node, [step])
      expect(summary.errors).toEqual([])
      expect((await runSteps(node, [step], { mode: 'plan' })).outcomes[0]).toMatch(/: ok$/)
    }),
    RUNS,
  )
})
