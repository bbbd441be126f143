import { expect, test } from 'vitest'
import { namesCheck } from '../../src/workflows/lab-checks.ts'

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
  expect(check).toMatchObject({ ok: false, detail: 'mgmt does not know where web, db is' })
  expect(check.hint).toContain('lab ssh mgmt -- systemctl restart docker')
})

test('a node that does not answer is no matter of names', () => {
  expect(namesCheck([name('web', undefined, RIGHT)]).ok).toBe(true)
})
