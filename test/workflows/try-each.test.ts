import { expect, test } from 'vitest'
import { LabError } from '../../src/model/errors.ts'
import { tryEach } from '../../src/workflows/try-each.ts'

const down = (name: string) => new LabError('UNREACHABLE', `the owner of ${name} is down`)

test('one that fails does not stop those after it, and is told', async () => {
  const [done, told]: [string[], string[]] = [[], []]
  const work = (name: string) => {
    done.push(name)
    return name === 'b' ? Promise.resolve() : Promise.reject(down(name))
  }
  const failures = await tryEach(new AbortController().signal, ['a', 'b', 'c'], work, (name) => told.push(name))
  expect(done).toEqual(['a', 'b', 'c'])
  expect(told).toEqual(['a', 'c'])
  expect(failures).toEqual([down('a'), down('c')])
})

test('an interruption ends it, and so does what nobody foresaw', async () => {
  const fails = (error: Error) => () => Promise.reject(error)
  await expect(tryEach(AbortSignal.abort(), ['a', 'b'], fails(down('a')))).rejects.toThrow('owner of a')
  await expect(tryEach(new AbortController().signal, ['a'], fails(new TypeError('a bug')))).rejects.toThrow('a bug')
})
