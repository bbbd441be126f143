import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { swarmAcceptance } from '../../src/facts/swarm-acceptance.ts'
import { createAuthority, createServerCertificate } from '../../src/secrets/certificates.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-certificate-'))
})
afterEach(() => rm(directory, { recursive: true }))

/** Runs the question with no manager to ask; `sh -x` tells what it found in the certificate. */
async function idOf(certificates: string) {
  await writeFile(join(directory, 'swarm-node.crt'), certificates)
  const question = swarmAcceptance([], '10.0.0.9')
  const script = question.script.replace('/var/lib/docker/swarm/certificates', directory)
  const { exitCode, stdout, stderr } = await execa('sh', ['-x'], { input: script, reject: false })
  return { id: /^\+ id=(\S*)$/m.exec(stderr)?.[1], says: question.parse({ status: exitCode ?? -1, stdout, stderr }) }
}

test("a node's id is the common name of its own certificate, not of one that comes after it", async () => {
  const [authority, id] = [await createAuthority('swarm-ca'), 'vtynlmaqcbgnjxyjkrf4v9py6']
  const { certificate: own } = await createServerCertificate(authority, [id])
  const { certificate: next } = await createServerCertificate(authority, ['0123456789abcdefghijklmno'])
  expect(await idOf(`${own}\n${next}\n`)).toEqual({ id, says: 'no answer' })
})

test('what has no id of that form, or is no certificate, is nothing to ask about', async () => {
  const { certificate } = await createServerCertificate(await createAuthority('swarm-ca'), ['node1'])
  expect((await idOf(certificate)).says).toBe('no certificate')
  expect((await idOf('')).says).toBe('no certificate')
})
