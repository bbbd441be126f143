import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { engineStatus } from '../../model/engine-error.ts'
import { LabError } from '../../model/errors.ts'

/** Where the engine of this host listens. */
export interface EngineAddress {
  /** Path of a Unix socket; undefined for TCP, which dockerode then reads from `DOCKER_HOST`. */
  readonly socketPath: string | undefined
  /** As `docker` would print it: `unix:///var/run/docker.sock`. */
  readonly url: string
  /** Somebody chose it (`DOCKER_HOST` or a context): when it does not answer, starting another engine is no help. */
  readonly chosen: boolean
}

const DEFAULT_SOCKET = '/var/run/docker.sock'

/**
 * The engine the user's own `docker` command talks to: `DOCKER_HOST`, else the context chosen, else the default socket.
 * Throws `LabError` `REMOTE_ENGINE` when it is on another machine.
 */
export async function engineAddress(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<EngineAddress> {
  const fromContext = await contextHost(env)
  const host = env['DOCKER_HOST'] ?? ''
  const url = host === '' ? (fromContext ?? `unix://${DEFAULT_SOCKET}`) : host
  const chosen = host !== '' || fromContext !== undefined
  if (url.startsWith('unix://')) {
    const path = url.slice('unix://'.length)
    return { socketPath: path === '' ? DEFAULT_SOCKET : path, url, chosen }
  }
  const name = URL.canParse(url) ? new URL(url).hostname : ''
  const isLocal = url.startsWith('tcp://') && ['localhost', '127.0.0.1', '[::1]'].includes(name)
  if (!isLocal || host === '') {
    throw new LabError('REMOTE_ENGINE', `the Docker engine at ${url} is not on this machine`, {
      where: host === '' ? 'docker context' : 'DOCKER_HOST',
      hint: "nodes are reached through this machine's loopback: unset DOCKER_HOST, or `docker context use default`",
    })
  }
  return { socketPath: undefined, url, chosen }
}

/** A client of an engine. Nothing is contacted yet. */
export function openEngine(address: EngineAddress): Docker {
  return address.socketPath === undefined ? new Docker() : new Docker({ socketPath: address.socketPath })
}

/** Resolves with undefined where the engine answers one of `statuses`: what is wanted is so already. */
export async function unlessStatus<T>(call: Promise<T>, ...statuses: readonly number[]): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    const status = engineStatus(error)
    if (status !== undefined && statuses.includes(status)) return undefined
    throw error
  }
}

/** Host of the context in use; undefined for the default context. */
async function contextHost(env: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  const directory = env['DOCKER_CONFIG'] ?? join(homedir(), '.docker')
  const name = env['DOCKER_CONTEXT'] ?? (await readJson(join(directory, 'config.json')))['currentContext']
  if (typeof name !== 'string' || name === '' || name === 'default') return undefined
  const digest = createHash('sha256').update(name).digest('hex')
  const meta = (await readJson(join(directory, 'contexts', 'meta', digest, 'meta.json'))) as {
    readonly Endpoints?: { readonly docker?: { readonly Host?: string } }
  }
  return meta.Endpoints?.docker?.Host
}

async function readJson(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Readonly<Record<string, unknown>>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new LabError('DOCKER_CONFIG', `cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      where: file,
      cause: error,
    })
  }
}
