import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import type { LogRecord } from '../model/service-logging.ts'
import { readLines } from './lines.ts'
import { logTime, parseRecord } from './record.ts'

/** Where the central log is: a directory of one node. */
export interface LogFiles {
  readonly connection: Pick<Connection, 'node' | 'spawn' | 'exec'>
  readonly directory: string
}

/** Which lines of the central log are wanted. */
export interface LogQuery {
  /** Of one service; of all when absent. */
  readonly service: string | undefined
  /** Written by containers of one node only. */
  readonly node: string | undefined
  readonly since: Date | undefined
  /** The last so many; all when absent. */
  readonly lines: number | undefined
}

/** Takes one record after the other; reading goes on when its promise resolves. */
export type WriteRecord = (record: LogRecord, text: string) => void | Promise<void>

/*
 * $1 directory, $2 first text wanted (lines begin with their time), $3 the same in whole seconds, $4 node, $5 how many
 * lines, then services. Parts are read newest first: one that is put aside meanwhile is then read twice, not skipped, and what
 * is there twice is dropped after sorting. A part last written before the wanted time holds nothing of it.
 */
const HISTORY = `
cd "$1" || exit 1
export LC_ALL=C
since=$2 seconds=$3 node=$4 count=$5
shift 5
[ $# -gt 0 ] || { set -- *.log; [ -f "$1" ] || exit 0; }
last() { if [ -n "$count" ]; then tail -n "$count" -- "$@"; else cat -- "$@"; fi; }
of_node() { if [ -n "$node" ]; then grep -F -- "\\"node\\":\\"$node\\"" "$@"; else cat -- "$@"; fi; }
for service; do
  service=\${service%.log}
  for part in "$service.log" "$service.log.1" "$service.log.2" "$service.log.3"; do
    [ -f "$part" ] || continue
    if [ -n "$since" ]; then
      [ "$(stat -c %Y -- "$part")" -ge "$seconds" ] || continue
      awk -v since="$since" '$0 >= since' "$part" | of_node | last
    elif [ -n "$node" ]; then of_node "$part" | last
    else last "$part"
    fi
  done
done | sort -s -k 1.1,1.41 -S 32M -T /var/tmp | uniq | last
`

/** Hands over the lines that are in the files, in time order, each once. */
export async function readHistory(
  { connection, directory }: LogFiles,
  query: LogQuery,
  write: WriteRecord,
  signal: AbortSignal,
): Promise<void> {
  const { service, node, since, lines } = query
  const argv = [
    ...['sh', '-c', HISTORY, 'history', directory],
    since === undefined ? '' : `{"time":"${logTime(since)}`,
    since === undefined ? '' : String(Math.floor(since.getTime() / 1000)),
    node ?? '',
    lines === undefined ? '' : String(lines),
    ...(service === undefined ? [] : [service]),
  ]
  const remote = await connection.spawn({ argv }, { signal })
  remote.stdin.end()
  const complaints: Buffer[] = []
  remote.stderr.on('data', (chunk: Buffer) => complaints.push(chunk))
  for await (const text of readLines(remote.stdout)) {
    const record = parseRecord(text)
    if (record !== undefined && (node === undefined || record.node === node)) await write(record, text)
  }
  const status = await remote.exit
  signal.throwIfAborted()
  if (status !== 0) {
    throw new LabError('LOGS', `the log files cannot be read: ${Buffer.concat(complaints).toString().trim()}`, {
      where: `${connection.node}:${directory}`,
      hint: 'lab up',
    })
  }
}

/** Names of the services there are lines of, sorted. None while there is no log yet. */
export async function loggedServices(
  { connection, directory }: LogFiles,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { stdout } = await connection.exec({ argv: ['ls', '--', directory] }, { signal })
  return stdout
    .split('\n')
    .filter((name) => name.endsWith('.log') && !name.startsWith('_'))
    .map((name) => name.slice(0, -'.log'.length))
}
