import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { errorEvent } from '../../src/cli/failure.ts'
import { LabError } from '../../src/model/errors.ts'
import { hiddenValues } from '../../src/model/hidden-values.ts'
import { hasCredentials, withoutCredentials } from '../../src/model/url-credentials.ts'
import { secret } from '../../src/secrets/secret-value.ts'
import { redactAll } from '../../src/shell/redact.ts'
import { block } from '../../src/steps/block.ts'
import { command } from '../../src/steps/command.ts'
import { download } from '../../src/steps/download.ts'
import { file } from '../../src/steps/file.ts'
import { gitCheckout } from '../../src/steps/git-checkout.ts'
import { line } from '../../src/steps/line.ts'
import { timer } from '../../src/steps/timer.ts'
import { unit } from '../../src/steps/unit.ts'
import { wait } from '../../src/steps/wait.ts'
import { consider, path } from '../steps/step-case.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-secret-'))
})
afterAll(() => {
  vi.unstubAllEnvs()
  return rm(directory, { recursive: true })
})

function fromEnv(value: string): string {
  vi.stubEnv('LAB_TEST_SECRET', value)
  return secret({ env: 'LAB_TEST_SECRET' })
}

test('a secret comes from a variable or a file, without the end of its line, and is remembered', () => {
  expect(fromEnv('zq7 from the environment')).toBe('zq7 from the environment')
  const name = join(directory, 'token')
  writeFileSync(name, 'zq7 from a file\nof two lines\n')
  expect(secret({ file: name })).toBe('zq7 from a file\nof two lines')
  expect(secret({ file: pathToFileURL(name) })).toBe('zq7 from a file\nof two lines')
  expect(hiddenValues()).toEqual(expect.arrayContaining(['zq7 from the environment', 'zq7 from a file\nof two lines']))
})

test('a secret that is not to be had, or too short to be hidden, is bad input that does not show it', () => {
  expect(() => secret({ env: 'LAB_TEST_NOT_SET' })).toThrow('LAB_TEST_NOT_SET of a secret is not set')
  expect(() => secret({ file: join(directory, 'none') })).toThrow(/cannot be read: .*none/)
  expect(() => fromEnv('pin42')).toThrow('the secret in the variable LAB_TEST_SECRET is shorter than 6 characters')
})

test('what is shown or kept shows no secret, however deep it stands', () => {
  const value = fromEnv('zq7 correct horse')
  const event = { type: 'step', changes: [{ from: `was ${value}`, to: undefined }], diff: `+${value}`, durationMs: 3 }
  expect(redactAll(event, hiddenValues())).toEqual({
    type: 'step',
    changes: [{ from: 'was ***', to: undefined }],
    diff: '+***',
    durationMs: 3,
  })
  const error = new LabError('X', `said ${value}`, { where: value, hint: `try ${value}` })
  expect(errorEvent(error)).toEqual({ type: 'error', code: 'X', message: 'said ***', where: '***', hint: 'try ***' })
})

test('what holds a secret is one, without being told', async () => {
  const value = fromEnv('zq7 battery staple')
  const step = file({ path: '/x', content: `key=${value}\n` })
  expect(step.preview).toBeUndefined()
  const { changes, commands } = await consider(step, { 'path:/x': path() })
  expect(changes).toEqual([{ path: 'content', from: undefined, to: '***' }])
  expect(commands[0]?.argv).toContain('0600')
  expect(file({ path: '/x', content: Buffer.from(value) }).preview).toBeUndefined()
  expect(line({ path: '/x', line: `key ${value}` }).title).toBe('*** in /x')
  const made = block({ path: '/x', name: 'b', content: value })
  const seen = new Map<string, unknown>(made.queries.map(({ key }) => [key, undefined]))
  seen.set(made.queries[0]?.key ?? '', { state: 'absent' })
  expect(made.diff(seen, new Set())).toEqual([{ path: 'b', from: undefined, to: '***' }])
})

test('where others could read it, a secret is refused before anything runs', () => {
  const value = fromEnv('zq7 troubador zero')
  const made = [
    () => command({ title: 'x', run: ['echo', value], always: true }),
    () => command({ title: 'x', run: 'true', unless: `test -e ${value}` }),
    () => command({ title: 'x', run: 'true', env: { KEY: value }, always: true }),
    () => command({ title: value, run: 'true', always: true }),
    () => command({ title: 'x', run: 'echo own', secrets: ['own'], always: true }),
    () => timer({ name: 'x', command: `echo ${value}`, calendar: 'daily' }),
    () => unit({ name: 'x', content: `[Service]\nEnvironment=KEY=${value}\n` }),
    () => wait({ until: ['echo', value], title: 'x' }),
    () => download({ url: 'https://ghp-token@host/x', path: '/x', sha256: '0'.repeat(64) }),
    () => gitCheckout({ repository: 'https://ghp-token@host/x', path: '/srv/x', revision: 'main' }),
  ]
  for (const make of made) {
    expect(make).toThrow()
    try {
      make()
    } catch (error) {
      expect(String(error)).not.toMatch(/troubador|ghp-token/)
    }
  }
})

test.each([
  ['https://token@host/x', true],
  ['http://u:p@host', true],
  ['ssh://git@host/x', false],
  ['ssh://git:p@host/x', true],
  ['https://host/x@y', false],
  ['git@host:x', false],
])('%s has credentials: %s', (url, has) => {
  expect(hasCredentials(url)).toBe(has)
  if (has) expect(withoutCredentials(url)).toMatch(/^\w+:\/\/\*\*\*@host/)
})
