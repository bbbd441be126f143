import type { Duplex } from 'node:stream'
import { Client, type AnyAuthMethod, type ServerHostKeyAlgorithm } from 'ssh2'
import { LabError } from '../model/errors.ts'
import { waitFor } from '../model/wait.ts'
import { inTurn, measured, whenLate } from './patience.ts'
import { PresentedKey } from './presented-key.ts'

/** What can go wrong. */
export type ConnectCode = 'UNREACHABLE' | 'HOST_KEY_CHANGED' | 'HOST_KEY_UNKNOWN' | 'ACCESS_DENIED'

/** Where and as whom to connect. */
export interface SshOptions {
  /** Name of the node, for messages. */
  readonly node: string
  readonly host: string
  readonly port: number
  readonly user: string
  /** OpenSSH format. */
  readonly privateKey?: string | undefined
  /** Tried after `privateKey`, in this order: keys in OpenSSH format, and the socket of an agent. */
  readonly otherKeys?: readonly string[] | undefined
  readonly agent?: string | undefined
  /** The public host keys to accept, as in a `.pub` file: `ssh-ed25519 AAAA...`. None: the one presented is refused. */
  readonly hostKey: string | readonly string[]
  /** A host to go through. */
  readonly jump?: SshOptions | undefined
  /** What to type, by the code of what went wrong; lab's own words when absent. */
  readonly hints?: Readonly<Partial<Record<ConnectCode, string>>> | undefined
  /** Time for the attempt once it is its turn, or for all attempts while the node boots. */
  readonly deadlineMs: number
  /** Keep trying while nobody listens yet. */
  readonly retryWhileBooting?: boolean
  readonly signal?: AbortSignal
}

/** Signs of a machine that has not got so far yet; anything else (a wrong key, say) will not get better. */
const BOOTING = new Set(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EPIPE', 'CUT_OFF'])

/**
 * An authenticated client. Throws `LabError`: `UNREACHABLE`, `HOST_KEY_CHANGED`, `HOST_KEY_UNKNOWN` (with the key that was
 * presented as its cause, a {@link PresentedKey}) or `ACCESS_DENIED`.
 */
export async function connect(options: SshOptions): Promise<Client> {
  if (options.retryWhileBooting !== true) {
    try {
      return await attempt(options, options.deadlineMs)
    } catch (error) {
      throw explain(error, options)
    }
  }
  let last: unknown
  const end = performance.now() + options.deadlineMs
  try {
    return await waitFor(
      async () => {
        try {
          return await attempt(options, Math.max(end - performance.now(), 1000))
        } catch (error) {
          if (!isBooting(error)) throw error
          last = error
          return undefined
        }
      },
      {
        deadlineMs: options.deadlineMs,
        intervalMs: 50,
        what: `${options.node} to boot`,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
    )
  } catch (error) {
    throw explain(error instanceof LabError && error.code === 'DEADLINE' ? last : error, options)
  }
}

async function attempt(options: SshOptions, timeoutMs: number): Promise<Client> {
  if (options.jump === undefined) return handshake(undefined, options, timeoutMs)
  const gate = await connect({ ...options.jump, ...(options.signal === undefined ? {} : { signal: options.signal }) })
  // What becomes of the gate is told by what goes through it.
  gate.on('error', () => undefined)
  try {
    const { host, port } = options
    const stream = await new Promise<Duplex>((resolve, reject) => {
      gate.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
        if (error === undefined) resolve(channel)
        else
          reject(
            Object.assign(new Error(`${options.jump?.host ?? ''} cannot reach it: ${error.message}`), {
              code: 'ECONNREFUSED',
            }),
          )
      })
    })
    const client = await handshake(stream, options, timeoutMs)
    client.once('close', () => gate.end())
    return client
  } catch (error) {
    gate.end()
    throw error
  }
}

/** One attempt, when it is its turn. One at a machine that boots says nothing of how long others take. */
function handshake(stream: Duplex | undefined, options: SshOptions, timeoutMs: number): Promise<Client> {
  const work = () => attemptOver(stream, options, timeoutMs)
  return inTurn(() => (options.retryWhileBooting === true ? work() : measured(work)))
}

function attemptOver(stream: Duplex | undefined, options: SshOptions, timeoutMs: number): Promise<Client> {
  const lines = typeof options.hostKey === 'string' ? [options.hostKey] : options.hostKey
  const accepted = lines.map((line) => {
    const [type = '', data = ''] = line.trim().split(/\s+/)
    return { type, data: Buffer.from(data, 'base64') }
  })
  const isKnown = (key: Buffer) => accepted.some(({ data }) => data.equals(key))
  const client = new Client()
  let presented: Buffer | undefined
  return new Promise<Client>((resolve, reject) => {
    const { signal } = options
    const callOff = whenLate(timeoutMs, () => {
      fail(Object.assign(new Error('it does not answer in time'), { level: 'client-timeout' }))
    })
    const settle = () => {
      callOff()
      signal?.removeEventListener('abort', onAbort)
      client.off('error', fail).off('close', onClose).off('ready', onReady)
    }
    const fail = (error: Error) => {
      settle()
      // A client that was given up may still complain.
      client.on('error', () => undefined)
      client.destroy()
      if (presented === undefined || isKnown(presented)) reject(error)
      else reject(accepted.length === 0 ? new PresentedKey(presented) : new HostKeyChanged())
    }
    const onAbort = () => {
      fail(signal?.reason as Error)
    }
    const onClose = () => {
      fail(Object.assign(new Error('the node closed the connection'), { code: 'CUT_OFF' }))
    }
    const onReady = () => {
      settle()
      resolve(client)
    }
    if (signal?.aborted === true) {
      callOff()
      reject(signal.reason as Error)
      return
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    client.once('error', fail).once('close', onClose).once('ready', onReady)
    client.connect({
      ...(stream === undefined ? { host: options.host, port: options.port } : { sock: stream }),
      username: options.user,
      // Straight to the keys: asking first what is allowed costs a round trip.
      authHandler: authentication(options),
      hostVerifier: (key: Buffer) => {
        presented = key
        return isKnown(key)
      },
      // The deadline is minded here: see `whenLate`.
      readyTimeout: 0,
      keepaliveInterval: 5000,
      keepaliveCountMax: 3,
      // The quickest to set up of what every supported server has.
      algorithms: {
        kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256'],
        cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com'],
        serverHostKey: accepted.length === 0 ? ANY_HOST_KEY : accepted.flatMap(({ type }) => signaturesOf(type)),
        compress: ['none'],
      },
    })
  })
}

/** One after the other, until one lets in. */
function authentication({ user, privateKey, otherKeys, agent }: SshOptions): AnyAuthMethod[] {
  return [
    ...[privateKey, ...(otherKeys ?? [])].flatMap((key) =>
      key === undefined ? [] : [{ type: 'publickey' as const, username: user, key }],
    ),
    ...(agent === undefined ? [] : [{ type: 'agent' as const, username: user, agent }]),
  ]
}

const ANY_HOST_KEY: ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]

/** The signatures that a key of a type can make. */
function signaturesOf(type: string): ServerHostKeyAlgorithm[] {
  return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type as ServerHostKeyAlgorithm]
}

class HostKeyChanged extends Error {}

function isBooting(error: unknown): boolean {
  const { code, level, message } = error as { code?: string; level?: string; message?: string }
  // A port that the host's engine publishes takes the connection before there is a server, and drops it then.
  const dropped = level === 'protocol' && message === 'Connection lost before handshake'
  return dropped || BOOTING.has(code ?? '') || level === 'client-timeout' || level === 'client-socket'
}

function explain(error: unknown, options: SshOptions): unknown {
  const { node, host, port, user, hints } = options
  if (options.signal?.aborted === true) return options.signal.reason
  if (error instanceof LabError) return error
  const where = `${node} (${host}:${String(port)})`
  if (error instanceof PresentedKey) {
    const message = `${node} presents a host key that is not known here: ${error.fingerprint}`
    return new LabError('HOST_KEY_UNKNOWN', message, { where, hint: hints?.HOST_KEY_UNKNOWN, cause: error })
  }
  // Where all keys known of it are of other kinds than those it has now, there is nothing both would agree on.
  const others = error instanceof Error && error.message.includes('no matching host key')
  if (error instanceof HostKeyChanged || others) {
    return new LabError(
      'HOST_KEY_CHANGED',
      `${node} presents another host key than ${hints === undefined ? 'the one it was given' : 'those known of it here'}`,
      {
        where,
        hint:
          hints?.HOST_KEY_CHANGED ??
          'if the lab was made anew elsewhere: lab up (it puts the keys back through the provider)',
      },
    )
  }
  const { level, message } = error as Error & { level?: string }
  if (level === 'client-authentication') {
    return new LabError(
      'ACCESS_DENIED',
      `${node} does not accept ${options.otherKeys === undefined ? "the lab's key" : 'any of the keys'} for ${user}`,
      {
        where,
        hint: options.otherKeys === undefined ? 'lab up' : hints?.ACCESS_DENIED,
      },
    )
  }
  return new LabError('UNREACHABLE', `${node} cannot be reached: ${message}`, {
    where,
    hint: hints?.UNREACHABLE ?? 'lab status shows its state; lab up starts it',
    cause: error,
  })
}
