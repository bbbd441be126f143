import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { UnitState } from '../../src/facts/unit.ts'
import { file } from '../../src/steps/file.ts'
import { service } from '../../src/steps/service.ts'
import { consider, path, unit } from './step-case.ts'

const digest = createHash('sha256').update('x').digest('hex')
const config = file({ path: '/etc/x.conf', content: 'x' })
const configAt = (seconds: number) => path({ type: 'file', mode: 0o644, digest, modifiedUs: seconds * 1_000_000 })
const stamped = (fingerprint: string, invocation = 'i1'): Partial<UnitState> => ({
  stamp: { invocation, files: new Map([['/etc/x.conf', fingerprint]]) },
})
const wanted = service({ unit: 'x', running: true, enabled: true, restartAfter: [config] })
const facts = (state: Partial<UnitState>, changedAt = 500) => ({
  'unit:x.service': unit(state),
  'path:/etc/x.conf': configAt(changedAt),
})
const namesOf = async (...args: Parameters<typeof consider>) =>
  (await consider(...args)).changes.map((change) => change.path)

test('running, enabled and newer than its files is nothing to do', async () => {
  expect(await namesOf(wanted, facts({}))).toEqual([])
})

test('what is stopped, failed or disabled is mended', async () => {
  expect((await consider(wanted, facts({ active: 'failed', file: 'disabled' }))).changes).toEqual([
    { path: 'enabled', from: 'disabled', to: 'yes' },
    { path: 'running', from: 'failed', to: 'yes' },
  ])
  expect((await consider(wanted, facts({ load: 'not-found', active: 'inactive', file: '' }))).changes).toMatchObject([
    { path: 'enabled', from: 'no such unit' },
    { path: 'running', from: 'inactive' },
  ])
})

test('a process older than a file it reads is stale; the clock of files is a tick behind', async () => {
  expect(await namesOf(wanted, facts({}, 2000))).toEqual(['restarted'])
  expect(await namesOf(wanted, facts({ startedUs: 2_000_000_000 + 5000 }, 2000))).toEqual(['restarted'])
  expect(await namesOf(wanted, facts({ startedUs: 2_000_000_000 + 50_000 }, 2000))).toEqual([])
})

test("lab's own note of what was in force outweighs the clock, as long as it is of this very start", async () => {
  expect(await namesOf(wanted, facts(stamped(digest), 2000))).toEqual([])
  expect(await namesOf(wanted, facts(stamped('other'), 500))).toEqual(['restarted'])
  expect(await namesOf(wanted, facts(stamped('other', 'an earlier start'), 500))).toEqual([])
  expect(await namesOf(wanted, facts(stamped(digest, 'an earlier start'), 2000))).toEqual(['restarted'])
})

test('a file that is about to be written makes it stale beforehand', async () => {
  const { changes } = await consider(wanted, facts({}), ['/etc/x.conf'])
  expect(changes).toEqual([{ path: 'restarted', from: 'stale: started before /etc/x.conf changed', to: 'fresh' }])
})

test('a service that is to be started is not restarted as well, and one that may be stopped stays so', async () => {
  expect(await namesOf(wanted, facts({ active: 'inactive' }, 2000))).toEqual(['running'])
  const either = service({ unit: 'x', restartAfter: [config] })
  expect(await namesOf(either, facts({ active: 'inactive' }, 2000))).toEqual([])
  expect(await namesOf(either, facts({}, 2000))).toEqual(['restarted'])
})

test('where a reload is enough it is reloaded, unless a restart is due anyway', async () => {
  const reloading = service({ unit: 'x', running: true, reloadAfter: [config] })
  const { changes, commands } = await consider(reloading, facts({}, 2000))
  expect(changes.map((change) => change.path)).toEqual(['reloaded'])
  expect(commands[0]?.argv.slice(-4)).toEqual(['x.service', 'reload', 'i1', '/etc/x.conf'])
  const both = service({ unit: 'x', running: true, restartAfter: [config], reloadAfter: [config] })
  expect(await namesOf(both, facts({}, 2000))).toEqual(['restarted'])
})

test('unit files are read again before anything is started from them', async () => {
  const own = file({ path: '/etc/systemd/system/x.service', content: 'x' })
  const step = service({ unit: 'x', running: true, restartAfter: [own] })
  const state = { 'unit:x.service': unit({ active: 'inactive' }), 'path:/etc/systemd/system/x.service': configAt(1) }
  expect((await consider(step, state)).commands[0]?.argv).toEqual(['systemctl', 'daemon-reload'])
  expect(await namesOf(wanted, facts({ needsReload: true }))).toEqual(['unit file'])
  const { commands } = await consider(wanted, facts({ active: 'inactive' }))
  expect(commands.map(({ argv }) => argv.slice(0, 2))).toEqual([['sh', '-c']])
})

test('what cannot be enabled by itself is as good as enabled', async () => {
  expect(await namesOf(wanted, facts({ file: 'static' }))).toEqual([])
  const disabled = service({ unit: 'x', enabled: false })
  expect(await namesOf(disabled, { 'unit:x.service': unit({ file: 'static' }) })).toEqual([])
  expect(await namesOf(disabled, { 'unit:x.service': unit() })).toEqual(['enabled'])
})

test('a mask stops what runs and holds', async () => {
  const masked = service({ unit: 'x', masked: true })
  expect(await namesOf(masked, { 'unit:x.service': unit() })).toEqual(['masked', 'running'])
  const off = unit({ load: 'masked', active: 'inactive', file: 'masked' })
  expect(await namesOf(masked, { 'unit:x.service': off })).toEqual([])
  expect(() => service({ unit: 'x', masked: true, running: true })).toThrow('can be neither')
})

test('sockets and timers keep their names, and what is no name is refused', () => {
  expect(service({ unit: 'x.socket', running: true }).queries[0]?.key).toBe('unit:x.socket')
  expect(service({ unit: 'getty@tty1', running: true }).queries[0]?.key).toBe('unit:getty@tty1.service')
  expect(() => service({ unit: 'x; reboot' })).toThrow('not the name of a systemd unit')
  expect(() => service({ unit: '-H' })).toThrow('not the name of a systemd unit')
})

test('what must run is unmasked first, whoever masked it', async () => {
  const { changes, commands } = await consider(service({ unit: 'x', running: true, enabled: true }), {
    'unit:x.service': unit({ load: 'masked', active: 'inactive', file: 'masked-runtime' }),
  })
  expect(changes.map((change) => change.path)).toEqual(['masked', 'enabled', 'running'])
  expect(commands.map(({ argv }) => argv.slice(0, 4).join(' '))).toEqual([
    'systemctl unmask --no-reload --',
    'systemctl unmask --no-reload --runtime',
    'systemctl enable -- x.service',
    expect.stringMatching(/^sh -c/),
  ])
})

test('a unit that never ran has no failed starts to forget', async () => {
  const start = async (state: Partial<UnitState>) => {
    const { commands } = await consider(service({ unit: 'x', running: true }), { 'unit:x.service': unit(state) })
    return commands.at(-1)?.argv.slice(3)
  }
  expect(await start({ active: 'inactive', invocation: '' })).toEqual(['service', 'x.service', 'start', ''])
  expect(await start({ active: 'failed', invocation: 'i1' })).toEqual(['service', 'x.service', 'start', 'i1'])
})
