import { createHmac } from 'node:crypto'

/** What files of known hosts say of one host. */
export interface KnownKeys {
  /** Its public keys, as in a `.pub` file. */
  readonly keys: readonly string[]
  /** Keys that must not be accepted for it. */
  readonly revoked: readonly string[]
}

/**
 * Pure: the keys of a host in the text of `known_hosts` files (sshd(8)): plain, hashed and patterned names; a port other
 * than 22 is part of the name. Certificate authorities are passed over.
 */
export function knownKeys(text: string, host: string, port: number): KnownKeys {
  const name = port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${String(port)}`
  const keys: string[] = []
  const revoked: string[] = []
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/)
    const mark = words[0]?.startsWith('@') === true ? words.shift() : undefined
    const [names, type, data] = words
    if (names === undefined || names.startsWith('#') || type === undefined || data === undefined) continue
    if (!isNamed(names, name)) continue
    if (mark === undefined) keys.push(`${type} ${data}`)
    if (mark === '@revoked') revoked.push(`${type} ${data}`)
  }
  return { keys: [...new Set(keys)].filter((key) => !revoked.includes(key)), revoked }
}

function isNamed(names: string, name: string): boolean {
  const hashed = /^\|1\|([A-Za-z0-9+/=]+)\|([A-Za-z0-9+/=]+)$/.exec(names)
  if (hashed !== null) {
    const [, salt = '', digest] = hashed
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === digest
  }
  const patterns = names.toLowerCase().split(',')
  if (patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1), name))) return false
  return patterns.some((pattern) => matches(pattern, name))
}

/** `*` stands for any text, `?` for one character. */
function matches(pattern: string, name: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${expression}$`).test(name)
}
