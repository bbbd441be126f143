import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { secretName, swarmSecret } from '../../src/steps/swarm-secret.ts'
import { consider } from './step-case.ts'

const content = 'correct horse'
const wanted = { name: 'password', content }
const seen = (...names: string[]) =>
  consider(swarmSecret(wanted), {
    'swarm secrets password-': new Map(
      names.map((name) => [name, { name, used: false, labels: { 'lab.secret': 'password' } }]),
    ),
  })

test('the name is pinned by the content, and tells nothing of it that could be tried out quickly', () => {
  expect(secretName(wanted)).toMatch(/^password-[0-9a-f]{12}$/)
  expect(secretName({ ...wanted, content: 'other' })).not.toBe(secretName(wanted))
  const plain = createHash('sha256').update(content).digest('hex')
  expect(secretName(wanted)).not.toContain(plain.slice(0, 12))
  expect(secretName({ ...wanted, name: 'login' }).slice(-12)).not.toBe(secretName(wanted).slice(-12))
})

test('the content is in no argument and no change; what it looks like on its way is hidden too', async () => {
  const { changes, commands } = await seen('password-old')
  expect(changes).toEqual([
    { path: `version ${secretName(wanted)}`, from: undefined, to: 'there' },
    { path: 'version password-old', from: 'there', to: undefined },
  ])
  const data = Buffer.from(content).toString('base64')
  expect(commands.flatMap(({ argv }) => argv).join()).not.toContain(content)
  expect(commands[1]).toMatchObject({ secrets: [data, content] })
  expect(JSON.parse(String(commands[1]?.stdin))).toMatchObject({ Name: secretName(wanted), Data: data })
})

test('the version that is there is left alone', async () => {
  expect((await seen(secretName(wanted), 'password-old')).changes).toEqual([])
})

test('what a swarm does not take is refused, without showing it', () => {
  expect(() => swarmSecret({ name: 'a', content: '' })).toThrow('1 byte to 500 KiB')
  expect(() => swarmSecret({ name: 'a', content: 'x'.repeat(512_001) })).toThrow(/a: a secret has 1 byte to 500 KiB$/)
})
