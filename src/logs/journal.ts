import type { Connection } from '../model/connection.ts'
import { LabError, UsageError } from '../model/errors.ts'
import { nearest } from '../model/names.ts'
import { readLines } from './lines.ts'
import { logTime } from './record.ts'
import type { WriteRecord } from './history.ts'

/** Which lines of a node's journal are wanted. */
export interface JournalQuery {
  /** Of one unit (`docker`, `docker.service`); of the whole node when absent. */
  readonly unit: string | undefined
  readonly since: Date | undefined
  readonly lines: number | undefined
  /** Go on with what comes, until the signal is aborted. */
  readonly follow: boolean
}

const UNIT = /^[A-Za-z0-9:_.@\\-]+$/
/** From this syslog priority down it is an error. */
const ERROR_PRIORITY = 3

/** Reads a node's journal, oldest line first. Throws `UsageError` for a unit that the node does not have. */
export async function readJournal(
  connection: Connection,
  query: JournalQuery,
  write: WriteRecord,
  signal: AbortSignal,
): Promise<void> {
  const { unit, since, lines, follow } = query
  if (unit !== undefined) await requireUnit(connection, unit, signal)
  const argv = [
    ...['journalctl', '--output=json', '--no-pager', '--quiet', '--all'],
    '--output-fields=MESSAGE,PRIORITY,_PID,_SYSTEMD_UNIT,SYSLOG_IDENTIFIER',
    ...(unit === undefined ? [] : [`--unit=${unit}`]),
    ...(since === undefined ? [] : [`--since=@${String(since.getTime() / 1000)}`]),
    ...(lines === undefined ? (follow ? ['--no-tail'] : []) : [`--lines=${String(lines)}`]),
    ...(follow ? ['--follow'] : []),
  ]
  const remote = await connection.spawn({ argv }, { signal })
  remote.stdin.end()
  let complaints = ''
  remote.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  for await (const text of readLines(remote.stdout)) {
    const record = parseJournalEntry(text, connection.node)
    if (record !== undefined) await write(record, JSON.stringify(record))
  }
  const status = await remote.exit
  signal.throwIfAborted()
  if (status !== 0) {
    throw new LabError('LOGS', `the journal cannot be read: ${complaints.trim()}`, { where: connection.node })
  }
}

/** Pure: a line of `journalctl --output=json` in the form that containers' lines have. */
export function parseJournalEntry(text: string, node: string): Parameters<WriteRecord>[0] | undefined {
  let entry: Readonly<Record<string, unknown>>
  try {
    entry = JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
  const field = (name: string) => (typeof entry[name] === 'string' ? entry[name] : '')
  const micros = field('__REALTIME_TIMESTAMP')
  if (!/^\d+$/.test(micros)) return undefined
  const time = logTime(new Date(Number(micros.slice(0, -3)))).slice(0, -3)
  const priority = field('PRIORITY')
  return {
    time: `${time}${micros.slice(-3)}+00:00`,
    node,
    app: '',
    service: field('_SYSTEMD_UNIT').replace(/\.service$/, '') || field('SYSLOG_IDENTIFIER'),
    task: field('_PID'),
    stream: priority !== '' && Number(priority) <= ERROR_PRIORITY ? 'stderr' : 'stdout',
    line: messageOf(entry['MESSAGE']),
  }
}

/** A message that is not clean text comes as an array of bytes; one that is too long as null. */
function messageOf(message: unknown): string {
  if (typeof message === 'string') return message
  if (Array.isArray(message)) return Buffer.from(message as number[]).toString()
  return ''
}

async function requireUnit(connection: Connection, unit: string, signal: AbortSignal): Promise<void> {
  const known = UNIT.test(unit)
    ? await connection.exec({ argv: ['systemctl', 'show', '--property=LoadState', '--value', '--', unit] }, { signal })
    : undefined
  if (known !== undefined && known.stdout.trim() !== 'not-found') return
  const { stdout } = await connection.exec(
    { argv: ['systemctl', 'list-unit-files', '--type=service', '--no-legend', '--plain', '--no-pager'] },
    { signal },
  )
  const names = stdout.split('\n').map((line) => line.replace(/\.service\s.*$/, ''))
  const near = nearest(unit.replace(/\.service$/, ''), names)
  throw new UsageError(
    `${connection.node} has no unit "${unit}"`,
    { hint: near === undefined ? `lab ssh ${connection.node} -- systemctl list-units` : `did you mean "${near}"?` },
    'UNKNOWN_NAME',
  )
}
