import type { Duplex } from 'node:stream'
import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import { EDGE_CONTAINER, NODE_PATHS } from '../model/names.ts'
import { waitFor } from '../model/wait.ts'
import { edgeDigest, IN_CONTAINER } from './edge-config.ts'

const CONFIG = `${NODE_PATHS.edge}/haproxy.cfg`
const CANDIDATE = `${NODE_PATHS.edge}/haproxy.cfg.next`
/** What the new process takes over of the old one's knowledge of the tasks. */
const SERVER_STATE = `${NODE_PATHS.edge}/servers.state`
/** A container that was just started opens its socket within this. */
const START_DEADLINE_MS = 10_000
/** Longest a node may take for what takes it a moment: one that stands still must not hold up the other edges. */
const EXEC_MS = 10_000
const INSPECT = ['docker', 'container', 'inspect', '--format', '{{.State.Pid}}', EDGE_CONTAINER] as const

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
  const [master, file] = await Promise.all([openMaster(connection, signal), currentFile(connection)])
  const running = await runningDigest(master)
  if (running === edgeDigest(text) && file === text) return 'unchanged'
  await connection.writeFile(CANDIDATE, text, 0o644)
  await validate(connection)
  const servers = await master('@1 show servers state')
  await connection.writeFile(SERVER_STATE, servers, 0o600)
  await run(connection, ['mv', '-f', CANDIDATE, CONFIG])
  const reply = await master('reload')
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

/** How many tasks the edge of a node sends clients to, by route. */
export async function countServing(connection: Connection, signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const master = await openMaster(connection, signal)
  return parseServing(await master('@1 show stat -1 4 -1'))
}

/** Pure: servers that are up, by backend, in HAProxy's statistics (CSV with its columns named in the first line). */
export function parseServing(csv: string): ReadonlyMap<string, number> {
  const [head = '', ...rows] = csv.trim().split('\n')
  const columns = head.replace(/^# /, '').split(',')
  const [backend, status] = [columns.indexOf('pxname'), columns.indexOf('status')]
  const counts = new Map<string, number>()
  for (const row of rows.map((line) => line.split(','))) {
    const name = row[backend]
    if (name === undefined || name === '' || !row[status]?.startsWith('UP')) continue
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** Gives one command to HAProxy's master process and returns its answer; `@1` sends it on to the newest worker. */
type Master = (command: string) => Promise<string>

/** Digest of the configuration the edge runs now. */
async function runningDigest(master: Master): Promise<string | undefined> {
  return /^description: (\S+)$/m.exec(await master('@1 show info'))?.[1]
}

/** The way to the edge's master process: its socket, as the node sees it in the container. Waits while it starts. */
async function openMaster(connection: Connection, signal: AbortSignal | undefined): Promise<Master> {
  let last = ''
  const look = async (): Promise<Master | undefined> => {
    const pid = await connection.exec({ argv: INSPECT, timeoutMs: EXEC_MS })
    if (pid.status !== 0 || pid.stdout.trim() === '0') {
      last = pid.stderr.trim() || 'it is not running'
      return undefined
    }
    const path = `/proc/${pid.stdout.trim()}/root/run/haproxy/master.sock`
    const master: Master = async (command) => readAll(await connection.openUnixSocket(path), `${command}\n`)
    try {
      if ((await master('@1 show info')).includes('Uptime')) return master
      last = 'no answer from its worker'
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    return undefined
  }
  try {
    const what = 'the edge to answer'
    const common = { deadlineMs: START_DEADLINE_MS, intervalMs: 200, what, lastSeen: () => last }
    return await waitFor(look, signal === undefined ? common : { ...common, signal })
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
  const result = await connection.exec({ argv: ['cat', CONFIG], timeoutMs: EXEC_MS })
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
  const result = await connection.exec({ argv, timeoutMs: EXEC_MS })
  if (result.status === 0) return
  throw new LabError('EDGE_CONFIG', `${argv.join(' ')}: ${result.stderr.trim()}`, { where: connection.node })
}

async function readAll(socket: Duplex, question: string): Promise<string> {
  const parts: Buffer[] = []
  socket.end(question)
  for await (const part of socket) parts.push(part as Buffer)
  return Buffer.concat(parts).toString('utf8')
}
