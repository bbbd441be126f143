import { randomBytes, X509Certificate } from 'node:crypto'
import bcrypt from 'bcryptjs'
import ssh2 from 'ssh2'
import { REGISTRY_HOST } from '../model/names.ts'
import type { KeyPair, Site } from '../model/site.ts'
import type { StateDirectory } from './state-directory.ts'

/** An SSH key, both halves in OpenSSH's format. */
export interface SshKey {
  readonly privateKey: string
  readonly publicKey: string
}

/** Names of the files in the state directory that other programs read too. */
export const STATE_FILES = { key: 'id_ed25519', knownHosts: 'known_hosts', sshConfig: 'ssh_config' } as const

/** The key lab reaches every node with. */
export function labKey(state: StateDirectory): Promise<SshKey> {
  return sshKey(state, STATE_FILES.key, 'lab')
}

/** The host key a node is given at creation, and is known by from then on. */
export function hostKey(state: StateDirectory, node: string): Promise<SshKey> {
  return sshKey(state, `host_keys/${node}`, node)
}

/** What the playbooks need of the lab's secrets. */
export async function siteSecrets(
  state: StateDirectory,
  labId: string,
): Promise<Pick<Site, 'ca' | 'registry' | 'transferKey'>> {
  const transferKey = await sshKey(state, 'transfer_ed25519', 'lab-transfer')
  const ca = await keyPair(state, 'ca', () => makeAuthority(labId))
  const tls = await keyPair(state, 'registry', () => makeRegistryPair(ca))
  const password = await state.readOrCreate('registry-password', () => randomBytes(24).toString('base64url'))
  const passwordHash = await state.readOrCreate('registry-password-hash', () => bcrypt.hash(password, 8))
  return { ca, registry: { tls, password, passwordHash }, transferKey }
}

async function sshKey(state: StateDirectory, file: string, comment: string): Promise<SshKey> {
  const privateKey = await state.readOrCreate(file, () => generateKey(comment))
  const publicKey = await state.readOrCreate(`${file}.pub`, () => {
    const parsed = ssh2.utils.parseKey(privateKey)
    if (parsed instanceof Error) throw parsed
    return `${parsed.type} ${parsed.getPublicSSH().toString('base64')} ${comment}\n`
  })
  return { privateKey, publicKey: publicKey.trim() }
}

/** A new ed25519 key. About 4 in 1000 that ssh2 makes are malformed (leading zeros are lost): those are not used. */
export function generateKey(comment: string, make = makeKey): string {
  for (;;) {
    const key = make(comment)
    if (!(ssh2.utils.parseKey(key) instanceof Error)) return key
  }
}

function makeKey(comment: string): string {
  return ssh2.utils.generateKeyPairSync('ed25519', { comment }).private
}

/** A certificate of the lab's own, and until when it is valid. */
export interface CertificateEnd {
  readonly file: 'ca' | 'registry'
  /** What it is, in words. */
  readonly name: string
  readonly notAfter: Date
  /** The next `up` makes another in its place. */
  readonly renewed: boolean
}

/** Certificates that are there, with their ends; none before the first `up`. */
export async function certificateEnds(state: StateDirectory): Promise<readonly CertificateEnd[]> {
  const known = [
    ['ca', "lab's certificate authority"],
    ['registry', 'certificate of the registry'],
  ] as const
  const found = await Promise.all(
    known.map(async ([file, name]): Promise<readonly CertificateEnd[]> => {
      const text = await state.read(`${file}.pem`)
      if (text === undefined) return []
      const notAfter = new Date(new X509Certificate(halves(text).certificate).validTo)
      return [{ file, name, notAfter, renewed: endsSoon(notAfter) }]
    }),
  )
  return found.flat()
}

/** A certificate with less than this left is made anew: a lab may lie still for a long time before its next `up`. */
const RENEW_BEFORE_MS = 90 * 86_400_000

function endsSoon(notAfter: Date): boolean {
  return notAfter.getTime() - Date.now() < RENEW_BEFORE_MS
}

/**
 * Makes certificates anew that end soon, and says which. For `up` alone: whoever trusts them has to be told. Nothing where
 * there are none yet.
 */
export async function renewCertificates(state: StateDirectory, labId: string): Promise<readonly string[]> {
  const ends = await certificateEnds(state)
  const due = ends.filter(({ renewed }) => renewed).map(({ file }) => file)
  if (due.includes('ca')) await state.write('ca.pem', joined(await makeAuthority(labId)))
  const [ca, registry] = [await state.read('ca.pem'), await state.read('registry.pem')]
  if (ca === undefined || registry === undefined) return ends.filter(({ renewed }) => renewed).map(({ name }) => name)
  // Also after a run that was killed between the two.
  const signed = new X509Certificate(halves(registry).certificate).verify(
    new X509Certificate(halves(ca).certificate).publicKey,
  )
  const again = !signed || due.includes('registry')
  if (again) await state.write('registry.pem', joined(await makeRegistryPair(halves(ca))))
  return ends.filter(({ file, renewed }) => renewed || (file === 'registry' && again)).map(({ name }) => name)
}

async function makeAuthority(labId: string): Promise<KeyPair> {
  const { createAuthority } = await import('./certificates.ts')
  return createAuthority(`lab ${labId}`)
}

async function makeRegistryPair(authority: KeyPair): Promise<KeyPair> {
  const { createServerCertificate } = await import('./certificates.ts')
  return createServerCertificate(authority, [REGISTRY_HOST])
}

/** Both halves in one file, so that a kill between two writes cannot leave a key without its certificate. */
async function keyPair(state: StateDirectory, name: string, make: () => Promise<KeyPair>): Promise<KeyPair> {
  return halves(await state.readOrCreate(`${name}.pem`, async () => joined(await make())))
}

function joined({ privateKey, certificate }: KeyPair): string {
  return `${privateKey.trim()}\n${certificate.trim()}\n`
}

function halves(text: string): KeyPair {
  const split = text.indexOf('-----BEGIN CERTIFICATE-----')
  return { privateKey: text.slice(0, split), certificate: text.slice(split) }
}
