import { expect, test } from 'vitest'
import { apt } from '../../src/steps/apt.ts'
import { consider } from './step-case.ts'

const packages = new Map([
  ['rsyslog', '8.2504.0-1'],
  ['curl', '8.14.1-2'],
])

test('what is installed is nothing to do; only what is missing is installed, under a unit', async () => {
  expect((await consider(apt({ packages: ['rsyslog', 'curl'] }), { packages })).changes).toEqual([])
  const { changes, commands } = await consider(apt({ packages: ['curl', 'jq'] }), { packages })
  expect(changes).toEqual([{ path: 'jq', from: undefined, to: 'installed' }])
  expect(commands).toMatchObject([{ unit: 'lab-apt' }])
  expect(commands[0]?.argv.slice(-2)).toEqual(['apt', 'jq'])
})

test('a version is asked for exactly', async () => {
  const { changes } = await consider(apt({ packages: ['curl=8.14.1-2', 'rsyslog=8.2506.0-1'] }), { packages })
  expect(changes).toEqual([{ path: 'rsyslog', from: '8.2504.0-1', to: '8.2506.0-1' }])
})

test('a version may be given apart; no package is in two, and what is absent is in none', async () => {
  const step = apt({ packages: [{ name: 'curl', version: '8.14.1-2' }, { name: 'jq' }] })
  const { changes, commands } = await consider(step, { packages })
  expect(changes).toEqual([{ path: 'jq', from: undefined, to: 'installed' }])
  expect(commands[0]?.argv.slice(-2)).toEqual(['apt', 'jq'])
  expect(() => apt({ packages: ['curl=1', { name: 'curl' }] })).toThrow('more than one version')
  expect(() => apt({ packages: ['curl=1'], absent: true })).toThrow('has no version')
})

test('absent packages that are there are removed', async () => {
  const { changes, commands } = await consider(apt({ packages: ['curl', 'jq'], absent: true }), { packages })
  expect(changes).toEqual([{ path: 'curl', from: '8.14.1-2', to: undefined }])
  expect(commands[0]?.argv.slice(-1)).toEqual(['curl'])
})

test('what is not the name of a package is refused', () => {
  expect(() => apt({ packages: ['--reinstall'] })).toThrow('not the name of a Debian package')
  expect(() => apt({ packages: ['a b'] })).toThrow('not the name of a Debian package')
})
