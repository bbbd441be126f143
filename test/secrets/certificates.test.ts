import { X509Certificate } from 'node:crypto'
import { createServer, connect } from 'node:tls'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createAuthority, createServerCertificate } from '../../src/secrets/certificates.ts'
import { extraCertificates } from '../../src/secrets/host-environment.ts'

test('a server certificate is accepted by a TLS client that trusts the authority, for its names only', async () => {
  const authority = await createAuthority('lab test')
  const pair = await createServerCertificate(authority, ['registry.lab.local'])
  const server = createServer({ cert: pair.certificate, key: pair.privateKey }, (socket) => socket.end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = (server.address() as AddressInfo).port
  try {
    const good = connect({ port, host: '127.0.0.1', servername: 'registry.lab.local', ca: authority.certificate })
    await once(good, 'secureConnect')
    expect(good.authorized).toBe(true)
    good.destroy()
    const wrong = connect({ port, host: '127.0.0.1', servername: 'other.lab.local', ca: authority.certificate })
    const [error] = (await once(wrong, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  } finally {
    server.close()
  }
})

test('the authority may sign certificates and nothing else', async () => {
  const certificate = new X509Certificate((await createAuthority('lab test')).certificate)
  expect(certificate.ca).toBe(true)
  expect(certificate.subject).toBe('CN=lab test')
})

test('certificates of a bundle that are public roots already are not taken over', async () => {
  const [one, two] = await Promise.all([createAuthority('one'), createAuthority('two')])
  const bundle = `# comment\n${one.certificate}\n${two.certificate}\n${two.certificate}`
  expect(extraCertificates(bundle, [one.certificate.replaceAll('\n', '\r\n')])).toBe(`${two.certificate.trim()}\n`)
  expect(extraCertificates(one.certificate, [one.certificate])).toBeUndefined()
})
