import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuthority, createServerCertificate } from '../../src/secrets/certificates.ts'
import { certificateEnds, generateKey, renewCertificates, siteSecrets } from '../../src/secrets/lab-secrets.ts'
import { openStateDirectory } from '../../src/secrets/state-directory.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-secrets-'))
})
afterAll(() => rm(directory, { recursive: true }))

test('an SSH key that cannot be read back is not used: another is made', () => {
  const good = generateKey('lab')
  // What a lost leading zero leaves: a key whose lengths no longer add up.
  const lines = good.split('\n')
  const malformed = [lines[0], (lines[1] ?? '').slice(4), ...lines.slice(2)].join('\n')
  expect(ssh2.utils.parseKey(malformed)).toBeInstanceOf(Error)
  const made = [malformed, malformed, good]
  expect(generateKey('lab', () => made.shift() ?? '')).toBe(good)
  expect(made).toEqual([])
})

test('certificates that end within three months are made anew, once, and the new authority signs the new certificate', async () => {
  const state = openStateDirectory(join(directory, 'ending'))
  expect(await renewCertificates(state, 'x')).toEqual([])
  const authority = await createAuthority('lab x', 60)
  const pair = await createServerCertificate(authority, ['registry.lab.local'])
  await state.write('ca.pem', `${authority.privateKey.trim()}\n${authority.certificate.trim()}\n`)
  await state.write('registry.pem', `${pair.privateKey.trim()}\n${pair.certificate.trim()}\n`)
  expect((await certificateEnds(state)).map(({ file, renewed }) => `${file} ${String(renewed)}`)).toEqual([
    'ca true',
    'registry true',
  ])
  expect(await renewCertificates(state, 'x')).toHaveLength(2)
  const { ca, registry } = await siteSecrets(state, 'x')
  expect(ca.certificate).not.toContain(authority.certificate.trim())
  const issuer = new X509Certificate(ca.certificate)
  expect(new X509Certificate(registry.tls.certificate).verify(issuer.publicKey)).toBe(true)
  expect(new Date(issuer.validTo).getTime()).toBeGreaterThan(Date.now() + 3000 * 86_400_000)
  expect(await renewCertificates(state, 'x')).toEqual([])
})

test('a run that was killed after it made a new authority is finished by the next one', async () => {
  const state = openStateDirectory(join(directory, 'cut'))
  const before = await siteSecrets(state, 'x')
  const authority = await createAuthority('lab x')
  await state.write('ca.pem', `${authority.privateKey.trim()}\n${authority.certificate.trim()}\n`)
  expect(await renewCertificates(state, 'x')).toEqual(['certificate of the registry'])
  const after = await siteSecrets(state, 'x')
  expect(after.registry.tls.certificate).not.toBe(before.registry.tls.certificate)
})
