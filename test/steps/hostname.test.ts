import { expect, test } from 'vitest'
import { hostname } from '../../src/steps/hostname.ts'
import { consider } from './step-case.ts'

const facts = (live: string, kept: string) => ({ 'host-name': { live, kept } })

test('the live name and the kept one are mended each by itself, the kept one first', async () => {
  const wanted = hostname({ name: 'web1' })
  expect((await consider(wanted, facts('web1', 'web1'))).changes).toEqual([])
  const live = await consider(wanted, facts('old', 'web1'))
  expect(live.changes).toEqual([{ path: 'live', from: 'old', to: 'web1' }])
  expect(live.commands).toEqual([{ argv: ['hostname', '--', 'web1'] }])
  const both = await consider(wanted, facts('old', ''))
  expect(both.changes[1]).toEqual({ path: '/etc/hostname', from: undefined, to: 'web1' })
  expect(both.commands.map(({ argv }) => argv[0])).toEqual(['sh', 'hostname'])
})

test.each(['-web', 'Web', 'a..b', 'a_b', 'a'.repeat(65)])('%j is refused', (name) => {
  expect(() => hostname({ name })).toThrow('not the name of a machine')
})
