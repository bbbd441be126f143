import { expect, test, vi } from 'vitest'
import { LabError } from '../../src/model/errors.ts'
import { askMs } from '../../src/overlay/ask-names.ts'
import { dnsMs } from '../../src/workflows/dns.ts'
import { askedNames, namesCheck } from '../../src/workflows/names-check.ts'
import { unasked } from '../../src/workflows/unasked.ts'
import type { OpenLab } from '../../src/workflows/open-lab.ts'

const name = (name: string, mgmt: readonly string[] | undefined, node1: readonly string[]) => ({
  name,
  expected: ['10.0.0.2', '10.0.0.3'],
  seen: { mgmt, node1 },
})
const RIGHT = ['10.0.0.2', '10.0.0.3']

test('names that every node knows are one line', () => {
  expect(namesCheck([name('web', RIGHT, RIGHT)])).toEqual({
    name: 'names',
    ok: true,
    detail: 'every node knows the tasks that run',
  })
})

test('a node that was told less than what runs is named with what it lacks, and how to go on', () => {
  const check = namesCheck([name('web', [], RIGHT), name('web.lab.local', [], RIGHT), name('db', ['10.0.0.2'], RIGHT)])
  expect(check).toMatchObject({ ok: false, detail: 'mgmt does not know all tasks of web, db' })
  expect(check.hint).toContain('lab ssh mgmt -- systemctl restart docker')
})

test('one that still names what is gone lacks nothing; every node that is wrong is part of what to type', () => {
  const check = namesCheck([name('web', [...RIGHT, '10.0.0.4'], RIGHT), name('db', RIGHT, ['10.0.0.4'])])
  expect(check.detail).toBe(
    'mgmt still names tasks of web that are gone; ' +
      'node1 does not know all tasks of db and still names tasks of db that are gone',
  )
  expect(check.hint).toContain('for node in mgmt node1; do lab ssh $node -- systemctl restart docker; done')
})

test('a node that does not answer is no matter of names', () => {
  expect(namesCheck([name('web', undefined, RIGHT)]).ok).toBe(true)
})

test('name servers that answer nothing are waited for, however many names there are', () => {
  expect([askMs(0), askMs(30), askMs(100), askMs(130)]).toEqual([0, 8000, 15_000, 23_000])
  // The probes of the nodes come before, and a second look after a change on its way.
  expect(dnsMs(30)).toBeGreaterThan(3000 + 2500 + askMs(30))
})

test('names that could not be asked for are no names that are right; a mistake in lab is not one of a node', async () => {
  const asked = (error: Error) =>
    askedNames({
      signal: new AbortController().signal,
      manager: () => Promise.reject(error),
    } as unknown as OpenLab)
  expect(await asked(new LabError('NO_ANSWER', 'no answer within 5000 ms'))).toEqual({
    name: 'names',
    ok: false,
    detail: 'could not be asked for: no answer within 5000 ms',
    hint: 'lab dns',
  })
  expect(unasked('names', 'lab dns', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })).ok).toBe(false)
  expect(
    unasked(
      'names',
      'lab dns',
      Object.assign(new Error('(HTTP code 500) server error - no leader'), { statusCode: 500 }),
    ),
  ).toMatchObject({ detail: 'could not be asked for: no leader' })
  await expect(asked(new TypeError('undefined is not a function'))).rejects.toThrow('undefined is not a function')
})

test('a manager that never answers does not keep the check from being made', async () => {
  vi.useFakeTimers()
  try {
    const signal = new AbortController().signal
    const asked = askedNames({ signal, manager: () => new Promise(() => undefined) } as unknown as OpenLab)
    await vi.advanceTimersByTimeAsync(15_000)
    expect((await asked).detail).toContain('no answer within')
  } finally {
    vi.useRealTimers()
  }
})
