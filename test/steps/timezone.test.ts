import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { timezone } from '../../src/steps/timezone.ts'
import { consider, path } from './step-case.ts'

const facts = (target: string, known = true, noted?: string) => ({
  'path:/etc/timezone': path(
    noted === undefined ? {} : { type: 'file', digest: createHash('sha256').update(noted).digest('hex') },
  ),
  'path:/etc/localtime': path({ type: 'symlink', target }),
  'path:/usr/share/zoneinfo/Europe/Berlin': path(known ? { type: 'file' } : {}),
})

test('the zone is what the link says, relative or not', async () => {
  const wanted = timezone({ zone: 'Europe/Berlin' })
  expect((await consider(wanted, facts('/usr/share/zoneinfo/Europe/Berlin'))).changes).toEqual([])
  expect((await consider(wanted, facts('../usr/share/zoneinfo/Europe/Berlin'))).changes).toEqual([])
  const { changes, commands } = await consider(wanted, facts('/usr/share/zoneinfo/Etc/UTC'))
  expect(changes).toEqual([{ path: 'zone', from: 'Etc/UTC', to: 'Europe/Berlin' }])
  expect(commands[0]?.argv.slice(-2)).toEqual(['Europe/Berlin', '/usr/share/zoneinfo/Europe/Berlin'])
})

test('/etc/timezone, where it still is, says the same', async () => {
  const wanted = timezone({ zone: 'Europe/Berlin' })
  const target = '/usr/share/zoneinfo/Europe/Berlin'
  expect((await consider(wanted, facts(target, true, 'Europe/Berlin\n'))).changes).toEqual([])
  expect((await consider(wanted, facts(target, true, 'Etc/UTC\n'))).changes).toEqual([
    { path: '/etc/timezone', from: 'otherwise', to: 'Europe/Berlin' },
  ])
})

test('a zone that the node does not know cannot be set', async () => {
  await expect(consider(timezone({ zone: 'Europe/Berlin' }), facts('x', false))).rejects.toThrow('no such zone')
  expect(() => timezone({ zone: '../passwd' })).toThrow('not the name of a time zone')
})
