import type { Duplex } from 'node:stream'
import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import { EDGE_CONTAINER, NODE_PATHS } from '../model/names.ts'
import { waitFor } from '../model/wait.ts'
import { edgeDigest } from './edge-config.ts'

const CONFIG = `${NODE_PATHS.edge}/haproxy.cfg`
const CANDIDATE = `${NODE_PATHS.edge}/haproxy.cfg.next`
const MASTER_SOCKET = `${NODE_PATHS.edgeRun}/master.sock`
const SERVER_STATE = `${NODE_PATHS.edgeRun}/state`
/** Where the container sees `NODE_PATHS.edge`. */
const IN_CONTAINER = '/usr/local/etc/haproxy'
/** A container that was just started opens its socket within this. */
const START_DEADLINE_MS = 10_000

/**
 * Makes the edge on a node run a configuration. What is broken is refused before it replaces anything; clients notice
 * nothing: listening sockets and the known addresses of tasks pass from the old process to the new one. Safe to kill
 * anywhere: what counts is what the running edge was loaded with, not what its file says.
 */
export async function loadEdge(
  connection: Connection,
  text: string,
  signal?: AbortSignal,
): Promise<'unchanged' | 'loaded'> {
  const [running, file] = await Promise.all([runningDigest(connection, signal), currentFile(connection)])
  if (running === edgeDigest(text) && file === text) return 'unchanged'
  await connection.writeFile(CANDIDATE, text, 0o644)
  await validate(connection)
  const servers = await askMaster(connection, '@1 show servers state')
  await connection.writeFile(SERVER_STATE, servers, 0o600)
  await run(connection, ['mv', '-f', CANDIDATE, CONFIG])
  const reply = await askMaster(connection, 'reload')
  if (!reply.includes('Success=1')) {
    // The process before goes on serving; its file goes back, so that a restart of the container brings the same one.
    if (file !== undefined) await connection.writeFile(CONFIG, file, 0o644)
    throw new LabError('EDGE_RELOAD', `the edge did not take its new configuration: ${reply.trim()}`, {
      where: `${connection.node}:${CONFIG}`,
      hint: `lab logs --node ${connection.node} --unit docker`,
    })
  }
  return 'loaded'
}

/** Digest of the configuration the edge runs now; waits for an edge that is just starting. */
async function runningDigest(connection: Connection, signal: AbortSignal | undefined): Promise<string | undefined> {
  let last = 'no answer'
  try {
    const info = await waitFor(
      async () => {
        try {
          const answer = await askMaster(connection, '@1 show info')
          return answer.includes('Uptime') ? answer : undefined
        } catch (error) {
          last = error instanceof Error ? error.message : String(error)
          return undefined
        }
      },
      {
        deadlineMs: START_DEADLINE_MS,
        intervalMs: 100,
        what: 'the edge to answer',
        lastSeen: () => last,
        ...(signal === undefined ? {} : { signal }),
      },
    )
    return /^description: (\S+)$/m.exec(info)?.[1]
  } catch (error) {
    signal?.throwIfAborted()
    throw new LabError('EDGE_DOWN', error instanceof Error ? error.message : String(error), {
      where: `${connection.node}: container ${EDGE_CONTAINER}`,
      hint: 'lab up',
      cause: error,
    })
  }
}

async function currentFile(connection: Connection): Promise<string | undefined> {
  const result = await connection.exec({ argv: ['cat', CONFIG] })
  return result.status === 0 ? result.stdout : undefined
}

async function validate(connection: Connection): Promise<void> {
  const check = ['docker', 'exec', EDGE_CONTAINER, 'haproxy', '-c', '-q', '-f', `${IN_CONTAINER}/haproxy.cfg.next`]
  const result = await connection.exec({ argv: check, timeoutMs: 30_000 })
  if (result.status === 0) return
  throw new LabError('EDGE_CONFIG', `the edge refuses its configuration:\n${(result.stderr || result.stdout).trim()}`, {
    where: `${connection.node}:${CANDIDATE}`,
    hint: 'the edge runs on with the configuration before; look at the routes of the service deployed last',
  })
}

async function run(connection: Connection, argv: readonly string[]): Promise<void> {
  const result = await connection.exec({ argv })
  if (result.status === 0) return
  throw new LabError('EDGE_CONFIG', `${argv.join(' ')}: ${result.stderr.trim()}`, { where: connection.node })
}

/** One command to HAProxy's master process; `@1` sends it on to the newest worker. */
async function askMaster(connection: Connection, command: string): Promise<string> {
  const socket = await connection.openUnixSocket(MASTER_SOCKET)
  return readAll(socket, `${command}\n`)
}

async function readAll(socket: Duplex, question: string): Promise<string> {
  const parts: Buffer[] = []
  socket.end(question)
  for await (const part of socket) parts.push(part as Buffer)
  return Buffer.concat(parts).toString('utf8')
}
