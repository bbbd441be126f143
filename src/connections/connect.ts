import { Client } from 'ssh2'
import { LabError } from '../model/errors.ts'
import { waitFor } from '../model/wait.ts'

/** Where and as whom to connect. */
export interface SshOptions {
  /** Name of the node, for messages. */
  readonly node: string
  readonly host: string
  readonly port: number
  readonly user: string
  /** OpenSSH format. */
  readonly privateKey: string
  /** The one public host key to accept, as in a `.pub` file: `ssh-ed25519 AAAA...`. */
  readonly hostKey: string
  /** Time for the attempt, or for all attempts while the node boots. */
  readonly deadlineMs: number
  /** Keep trying while nobody listens yet. */
  readonly retryWhileBooting?: boolean
  readonly signal?: AbortSignal
}

/** Signs of a machine that has not got so far yet; anything else (a wrong key, say) will not get better. */
const BOOTING = new Set(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EPIPE', 'CUT_OFF'])

/** An authenticated client. Throws `LabError`: `UNREACHABLE`, `HOST_KEY_CHANGED` or `ACCESS_DENIED`. */
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

function attempt(options: SshOptions, timeoutMs: number): Promise<Client> {
  const [keyType = '', keyData = ''] = options.hostKey.trim().split(/\s+/)
  const known = Buffer.from(keyData, 'base64')
  const client = new Client()
  let presented: Buffer | undefined
  return new Promise<Client>((resolve, reject) => {
    const { signal } = options
    const settle = () => {
      signal?.removeEventListener('abort', onAbort)
      client.off('error', fail).off('close', onClose).off('ready', onReady)
    }
    const fail = (error: unknown) => {
      settle()
      // A client that was given up may still complain.
      client.on('error', () => undefined)
      client.destroy()
      const changed = presented !== undefined && !presented.equals(known)
      reject(changed ? new HostKeyChanged() : (error as Error))
    }
    const onAbort = () => {
      fail(signal?.reason)
    }
    const onClose = () => {
      fail(Object.assign(new Error('the node closed the connection'), { code: 'CUT_OFF' }))
    }
    const onReady = () => {
      settle()
      resolve(client)
    }
    if (signal?.aborted === true) {
      reject(signal.reason as Error)
      return
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    client.once('error', fail).once('close', onClose).once('ready', onReady)
    client.connect({
      host: options.host,
      port: options.port,
      username: options.user,
      privateKey: options.privateKey,
      // Straight to the key: asking first what is allowed costs a round trip.
      authHandler: ['publickey'],
      hostVerifier: (key: Buffer) => {
        presented = key
        return key.equals(known)
      },
      readyTimeout: Math.ceil(timeoutMs),
      keepaliveInterval: 5000,
      keepaliveCountMax: 3,
      // The quickest to set up of what every supported server has.
      algorithms: {
        kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256'],
        cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com'],
        serverHostKey: [keyType === 'ssh-rsa' ? 'rsa-sha2-512' : (keyType as 'ssh-ed25519')],
        compress: ['none'],
      },
    })
  })
}

class HostKeyChanged extends Error {}

function isBooting(error: unknown): boolean {
  const { code, level, message } = error as { code?: string; level?: string; message?: string }
  // A port that the host's engine publishes takes the connection before there is a server, and drops it then.
  const dropped = level === 'protocol' && message === 'Connection lost before handshake'
  return dropped || BOOTING.has(code ?? '') || level === 'client-timeout' || level === 'client-socket'
}

function explain(error: unknown, options: SshOptions): unknown {
  const { node, host, port, user } = options
  if (options.signal?.aborted === true) return options.signal.reason
  if (error instanceof LabError) return error
  const where = `${node} (${host}:${String(port)})`
  if (error instanceof HostKeyChanged) {
    return new LabError('HOST_KEY_CHANGED', `${node} presents another host key than the one it was given`, {
      where,
      hint: 'if the lab was made anew elsewhere: lab up (it puts the keys back through the provider)',
    })
  }
  const { level, message } = error as Error & { level?: string }
  if (level === 'client-authentication') {
    return new LabError('ACCESS_DENIED', `${node} does not accept the lab's key for ${user}`, { where, hint: 'lab up' })
  }
  return new LabError('UNREACHABLE', `${node} cannot be reached: ${message}`, {
    where,
    hint: 'lab status shows its state; lab up starts it',
    cause: error,
  })
}
