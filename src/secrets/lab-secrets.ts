import { randomBytes } from 'node:crypto'
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
  const ca = await keyPair(state, 'ca', async () => {
    const { createAuthority } = await import('./certificates.ts')
    return createAuthority(`lab ${labId}`)
  })
  const tls = await keyPair(state, 'registry', async () => {
    const { createServerCertificate } = await import('./certificates.ts')
    return createServerCertificate(ca, [REGISTRY_HOST])
  })
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

/** Both halves in one file, so that a kill between two writes cannot leave a key without its certificate. */
async function keyPair(state: StateDirectory, name: string, make: () => Promise<KeyPair>): Promise<KeyPair> {
  const text = await state.readOrCreate(`${name}.pem`, async () => {
    const made = await make()
    return `${made.privateKey.trim()}\n${made.certificate.trim()}\n`
  })
  const split = text.indexOf('-----BEGIN CERTIFICATE-----')
  return { privateKey: text.slice(0, split), certificate: text.slice(split) }
}
