import { expect, test } from 'vitest'
import type { AuthorizedKeys } from '../../src/facts/authorized-keys.ts'
import { authorizedKey } from '../../src/steps/authorized-key.ts'
import type { Step } from '../../src/model/step.ts'
import { consider } from './step-case.ts'

const BLOB = 'AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9cu7QEXn9OIeZJab'
const LINE = `restrict ssh-ed25519 ${BLOB} ada@example`
const looked = (step: Step, found: Partial<AuthorizedKeys>) => {
  const none = { directoryAccess: '700 ada', fileAccess: '600 ada', equal: [[]], sameKey: [[]], keys: [] }
  return consider(step, { [step.queries[0]?.key ?? '']: { ...none, ...found } })
}
const wanted = authorizedKey({ user: 'ada', key: LINE })

test('a key that is there as written is nothing to do, one that is not is added', async () => {
  expect((await looked(wanted, { equal: [[2]], keys: [1, 2] })).changes).toEqual([])
  const { changes, commands } = await looked(wanted, {})
  expect(changes).toEqual([{ path: `key ...${BLOB.slice(-8)}`, from: 'no', to: 'yes' }])
  expect(commands).toMatchObject([{ stdin: `${LINE}\n` }])
  expect(commands[0]?.argv.slice(-3)).toEqual(['ada', 'present', BLOB])
})

test('the same key with other options is put right, and so are the modes that sshd asks for', async () => {
  const { changes } = await looked(wanted, { sameKey: [[3]], keys: [3], directoryAccess: '755 root' })
  expect(changes).toEqual([
    { path: '~/.ssh', from: '755 root', to: '700 ada' },
    { path: `key ...${BLOB.slice(-8)}`, from: 'otherwise in line 3', to: 'as written' },
  ])
})

test('no other key stays when that is said', async () => {
  const only = authorizedKey({ user: 'ada', key: [LINE], exclusive: true })
  expect((await looked(only, { equal: [[1]], keys: [1] })).changes).toEqual([])
  const { changes, commands } = await looked(only, { equal: [[1]], keys: [1, 2, 5] })
  expect(changes).toEqual([{ path: 'other keys', from: '2', to: '0' }])
  expect(commands[0]?.argv).toContain('exclusive')
})

test('keys that must be absent go, however they are written', async () => {
  const absent = authorizedKey({ user: 'ada', key: `ssh-ed25519 ${BLOB}`, absent: true })
  expect(absent.title).toBe(`...${BLOB.slice(-8)} may not log in as ada`)
  expect((await looked(absent, { directoryAccess: undefined })).changes).toEqual([])
  expect((await looked(absent, { sameKey: [[4]], keys: [4] })).changes).toMatchObject([{ from: 'yes', to: 'no' }])
})

test('what is no public key, and the same twice, are refused', () => {
  expect(() => authorizedKey({ user: 'ada', key: '-----BEGIN OPENSSH PRIVATE KEY-----' })).toThrow('not a public key')
  expect(() => authorizedKey({ user: 'ada', key: [LINE, LINE] })).toThrow('given twice')
  expect(() => authorizedKey({ user: 'ada', key: [] })).toThrow('name a key')
})
