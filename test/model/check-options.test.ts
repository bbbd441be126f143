import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { UsageError } from '../../src/model/errors.ts'
import { file } from '../../src/steps/file.ts'
import { service } from '../../src/steps/service.ts'

// What an editor underlines, written as those do who have none.
const untyped = file as unknown as (options: unknown, how?: unknown) => unknown

test.each([
  [{ pth: '/x', content: '' }, undefined, 'file: unknown option "pth"; did you mean "path"?; "path" is missing'],
  [{ path: '/x', content: 'a', xyzzy: 1 }, undefined, /^file: unknown option "xyzzy"; known: path, content/],
  [{ path: '/x', content: '', mode: '0644' }, undefined, 'file: "mode" must be a number, not a text'],
  [
    { path: ['/x'], content: 5 },
    undefined,
    /"path" must be a text, not a list; "content" must be .*text, not a number$/,
  ],
  ['/x', undefined, 'file: takes a set of options, like { path: ... }'],
  [{ path: '/x', content: '' }, { wen: 1 }, 'file: unknown option "wen"; did you mean "when"?'],
  [{ path: 'x', content: '' }, undefined, /^file: .*absolute/],
])('%j with %j is bad input that says all that is wrong', (options, how, message) => {
  expect(() => untyped(options, how)).toThrow(UsageError)
  expect(() => untyped(options, how)).toThrow(message)
})

test('an option that is undefined is absent, and a value is never shown', () => {
  expect(untyped({ path: '/x', content: '', mode: undefined })).toMatchObject({ kind: 'file' })
  expect(() => untyped({ path: '/x', content: '', secret: 'hunter2' })).toThrow(
    /^file: "secret" must be true or false, not a text$/,
  )
  expect(service({ unit: 'x', restartAfter: [] })).toMatchObject({ kind: 'service' })
})

test('the shapes are those of the types of all steps', { timeout: 120_000 }, () => {
  // Out of date after a step changed its options? node scripts/step-options.mjs
  execFileSync('node', ['scripts/step-options.mjs', '--check'], { cwd: new URL('../..', import.meta.url).pathname })
})
