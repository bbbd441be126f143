import { expect, test } from 'vitest'
import { timer, type TimerOptions } from '../../src/steps/timer.ts'
import { consider, path, unit } from './step-case.ts'

const facts = (files = path(), timerState = unit({ load: 'not-found', active: 'inactive', file: '' })) => ({
  'path:/etc/systemd/system/tidy.service': files,
  'path:/etc/systemd/system/tidy.timer': files,
  'unit:tidy.service': unit({ active: 'inactive' }),
  'unit:tidy.timer': timerState,
})
const texts = async (options: TimerOptions) => {
  const [command] = (await consider(timer(options), facts())).commands
  return { service: command?.argv.at(-1), timer: command?.stdin, argv: command?.argv }
}

test('a new timer is written, enabled and started', async () => {
  const { changes } = await consider(timer({ name: 'tidy', command: 'true', calendar: 'daily' }), facts())
  expect(changes.map((change) => change.path)).toEqual(['tidy.service', 'tidy.timer', 'enabled', 'running'])
})

test('a command is one for systemd, whatever is in it', async () => {
  const { service } = await texts({
    name: 'tidy',
    command: ['/bin/echo', 'a "b"', '$HOME', '100%', '\\'],
    everyMs: 1000,
  })
  expect(service).toContain('ExecStart="/bin/echo" "a \\"b\\"" "$$HOME" "100%%" "\\\\"\n')
  const script = await texts({ name: 'tidy', command: 'a\nb', everyMs: 1000, user: 'ada', timeoutMs: 5000 })
  expect(script.service).toContain('ExecStart="/bin/sh" "-euc" "a\\nb"\n')
  expect(script.service).toContain('User=ada\nTimeoutStartSec=5000ms\n')
})

test('a schedule is a calendar, which systemd is asked about first, or an interval', async () => {
  const daily = await texts({ name: 'tidy', command: 'true', calendar: 'daily', spreadMs: 2000 })
  expect(daily.timer).toContain('OnCalendar=daily\nPersistent=yes\nRandomizedDelaySec=2000ms\n')
  expect(daily.argv?.slice(-3, -1)).toEqual(['tidy', 'daily'])
  const often = await texts({ name: 'tidy', command: 'true', everyMs: 1500 })
  expect(often.timer).toContain('OnActiveSec=1500ms\nOnUnitActiveSec=1500ms\n')
})

test('one that must be absent goes with its service', async () => {
  const absent = timer({ name: 'tidy', absent: true })
  expect((await consider(absent, facts())).changes).toEqual([])
  const { changes } = await consider(absent, facts(path({ type: 'file', mode: 0o644 })))
  expect(changes.map((change) => change.path)).toEqual(['tidy.service', 'tidy.timer'])
})

test('what makes no sense is refused', () => {
  const job = { name: 'tidy', command: 'true' }
  expect(() => timer({ ...job, everyMs: 0.5 })).toThrow('whole number of milliseconds')
  expect(() => timer({ ...job, command: ['true'], everyMs: 1000 })).toThrow('must be absolute')
  expect(() => timer({ ...job } as unknown as TimerOptions)).toThrow('either by the calendar or everyMs')
  expect(() => timer({ ...job, name: 'a b', everyMs: 1 })).toThrow('not a timer name')
})
