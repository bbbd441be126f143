import { createHash } from 'node:crypto'

/** The key of a host that nothing is known of. */
export class PresentedKey extends Error {
  /** As in a `.pub` file. */
  readonly publicKey: string
  /** As `ssh-keygen -l` shows it. */
  readonly fingerprint: string

  constructor(key: Buffer) {
    super('the host presents a key that nobody vouched for')
    const type = key.subarray(4, 4 + key.readUInt32BE(0)).toString()
    this.publicKey = `${type} ${key.toString('base64')}`
    this.fingerprint = `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
  }
}
