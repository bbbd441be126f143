import { followLogs } from '../logs/follow.ts'
import { loggedServices, readHistory, type LogFiles, type WriteRecord } from '../logs/history.ts'
import { readJournal } from '../logs/journal.ts'
import { parseSince } from '../logs/since.ts'
import type { Connection } from '../model/connection.ts'
import { LabError, UsageError } from '../model/errors.ts'
import { nodesWithRole } from '../model/lab-spec.ts'
import { isName, NODE_PATHS, unknownName } from '../model/names.ts'
import { listServices } from '../swarm/services.ts'
import type { OpenLab } from './open-lab.ts'

/** Lines shown when neither a number nor a time to start from is given. */
const DEFAULT_LINES = 500

/** Which lines are wanted. */
export interface LogsOptions {
  /** Of one service; of all when absent. */
  readonly service?: string | undefined
  /** With a service: what its containers on this node wrote. Without: the journal of this node. */
  readonly node?: string | undefined
  /** One unit of the node's journal; needs `node`. */
  readonly unit?: string | undefined
  /** `10m`, or a date and time; see `parseSince`. */
  readonly since?: string | undefined
  /** The last so many lines; `all` of them. */
  readonly lines?: number | 'all' | undefined
  /** Go on with what comes, until the lab's signal is aborted. */
  readonly follow: boolean
}

/**
 * Reads the central log, or the journal of a node, in time order. `write` gets each record, and its JSON as one line; a
 * promise from it holds back reading. Following ends when the lab's signal is aborted, which is no error.
 */
export async function logs(lab: OpenLab, options: LogsOptions, write: WriteRecord): Promise<void> {
  const { service, node, unit, follow } = options
  const since = options.since === undefined ? undefined : parseSince(options.since, new Date())
  const lines =
    options.lines === 'all' ? undefined : (options.lines ?? (since === undefined ? DEFAULT_LINES : undefined))
  requireKnownNode(lab, node)
  if (unit !== undefined && (node === undefined || service !== undefined)) {
    throw new UsageError('units are of nodes', { where: '--unit', hint: `lab logs --node NODE --unit ${unit}` })
  }
  try {
    if (node !== undefined && service === undefined) {
      await readJournal(await lab.connect(node), { unit, since, lines, follow }, write, lab.signal)
      return
    }
    const files = { connection: await connectLogs(lab), directory: NODE_PATHS.logs }
    if (service !== undefined) await requireKnownService(lab, files, service)
    const query = { service, node, since, lines }
    await (follow ? followLogs : readHistory)(files, query, write, lab.signal)
  } catch (error) {
    if (!(follow && lab.signal.aborted)) throw error
  }
}

function requireKnownNode(lab: OpenLab, node: string | undefined): void {
  const names = lab.spec.nodes.map(({ name }) => name)
  if (node !== undefined && !names.includes(node)) throw unknownName('node', node, names)
}

async function connectLogs(lab: OpenLab): Promise<Connection> {
  const server = nodesWithRole(lab.spec, 'logs')[0]
  if (server === undefined) {
    throw new LabError('NO_SUCH_ROLE', 'no node has the role "logs"', { where: 'lab.yml' })
  }
  try {
    return await lab.connect(server.name)
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    const { message, code, hint, where } = error
    const kept = 'what apps write meanwhile is kept on their nodes and comes later'
    const why = `the logs of all nodes are on ${server.name}, and ${message}: they cannot be read; ${kept}`
    throw new LabError(code, why, { where, hint, cause: error })
  }
}

/** A service may have lines though it is gone, and be there though it has written none. */
async function requireKnownService(lab: OpenLab, files: LogFiles, service: string): Promise<void> {
  const logged = await loggedServices(files, lab.signal)
  if (isName(service) && logged.includes(service)) return
  const { engine } = await lab.manager()
  const running = (await listServices(engine, lab.signal)).map(({ name }) => name)
  if (!running.includes(service)) throw unknownName('service', service, [...new Set([...running, ...logged])].sort())
}
