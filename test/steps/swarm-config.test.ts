import { expect, test } from 'vitest'
import { swarmData, type SwarmDatum } from '../../src/facts/swarm-data.ts'
import { configName, swarmConfig } from '../../src/steps/swarm-config.ts'
import { consider } from './step-case.ts'

const wanted = { name: 'settings', content: 'workers 4\n' }
const current = configName(wanted)
const version = (name: string, used = false): SwarmDatum => ({ name, used, labels: { 'lab.config': 'settings' } })
const seen = (step: ReturnType<typeof swarmConfig>, ...found: SwarmDatum[]) =>
  consider(step, { 'swarm configs settings-': new Map(found.map((datum) => [datum.name, datum])) })
const calls = ({ commands }: Awaited<ReturnType<typeof seen>>) => commands.map(({ argv }) => argv.slice(-2).join(' '))

test('the name is pinned by the content', () => {
  expect(current).toMatch(/^settings-[0-9a-f]{12}$/)
  expect(configName({ ...wanted, content: 'workers 5\n' })).not.toBe(current)
})

test('the version that is there is left alone, with earlier ones', async () => {
  expect((await seen(swarmConfig(wanted), version(current), version('settings-old'))).changes).toEqual([])
})

test('a new version is made last, after earlier ones that nobody uses were removed; strangers stay', async () => {
  const stranger = { name: 'settings-of-others', used: false, labels: {} }
  const result = await seen(swarmConfig(wanted), version('settings-1'), version('settings-2', true), stranger)
  expect(result.changes).toEqual([
    { path: `version ${current}`, from: undefined, to: 'there' },
    { path: 'version settings-1', from: 'there', to: undefined },
  ])
  expect(calls(result)).toEqual(['DELETE /configs/settings-1', 'POST /configs/create'])
  expect(JSON.parse(String(result.commands[1]?.stdin))).toEqual({
    Name: current,
    Labels: { 'lab.config': 'settings' },
    Data: Buffer.from(wanted.content).toString('base64'),
  })
})

test('all versions of one that must not be there are removed', async () => {
  const absent = swarmConfig({ name: 'settings', absent: true })
  expect((await seen(absent)).changes).toEqual([])
  expect(calls(await seen(absent, version('settings-1'), version('settings-2', true)))).toEqual([
    'DELETE /configs/settings-1',
    'DELETE /configs/settings-2',
  ])
})

test('what a swarm does not take is refused', () => {
  expect(() => swarmConfig({ name: 'a', content: '' })).toThrow('1 byte to 1000 KiB')
  expect(() => swarmConfig({ name: 'a', content: 'x'.repeat(1_024_001) })).toThrow('1 byte to 1000 KiB')
  expect(() => swarmConfig({ name: 'x'.repeat(52), content: 'x' })).toThrow('longer than 51')
})

test('which versions services use is read from the services', () => {
  const answer = (...documents: readonly unknown[]) => ({
    status: 0,
    stdout: documents.map((document) => `${JSON.stringify(document)}\n`).join(''),
    stderr: '',
  })
  const service = { Spec: { TaskTemplate: { ContainerSpec: { Configs: [{ ConfigID: 'c1' }], Secrets: null } } } }
  const configs = ['c1', 'c2'].map((ID) => ({ ID, Spec: { Name: `settings-${ID}`, Labels: null } }))
  const found = swarmData('configs', 'settings-').parse(answer(configs, [service, { Spec: {} }]))
  expect([...found.values()].map(({ used }) => used)).toEqual([true, false])
  expect(() => swarmData('configs', 'a').parse(answer({ message: 'not a manager' }, []))).toThrow('not a manager')
})
