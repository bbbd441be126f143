import { setTimeout as delay } from 'node:timers/promises'
import type { LogRecord } from '../model/service-logging.ts'
import { readHistory, type LogFiles, type LogQuery, type WriteRecord } from './history.ts'
import { openPartReader, type Part, type PartReader } from './part-reader.ts'
import { parseRecord } from './record.ts'

/** Pause between two looks at the files. */
const LOOK_MS = 200
/** How many of the latest lines are remembered, to tell lines that the log server wrote twice. */
const REMEMBERED = 20_000

/** Where reading a file has come to: whole lines up to `offset` of the file with this inode were handed over. */
interface Position {
  readonly inode: string
  readonly offset: number
}

interface Line {
  readonly record: LogRecord
  readonly text: string
}

/**
 * Hands over the lines that are there and then those that come, until the signal is aborted: in time order, as far as
 * they arrive within a look of each other. Files that are put aside are read to their end, new ones from their start.
 */
export async function followLogs(
  files: LogFiles,
  query: LogQuery,
  write: WriteRecord,
  signal: AbortSignal,
): Promise<void> {
  const reader = await openPartReader(files, signal)
  const seen = rememberLast(REMEMBERED)
  const wanted = (part: Part) => part.age === 0 && (query.service === undefined || part.name === query.service)
  // Positions first, history second: what comes in between is met twice, and dropped the second time.
  const positions = new Map<string, Position>()
  for (const part of await reader.list()) {
    if (wanted(part)) positions.set(part.name, await lineStart(reader, part))
  }
  await readHistory(
    files,
    query,
    async (record, text) => {
      seen.isNew(text)
      await write(record, text)
    },
    signal,
  )

  let waiting: readonly Line[] = []
  for (;;) {
    const parts = await reader.list()
    const fresh: Line[] = []
    for (const part of parts.filter(wanted)) {
      const read = await readNew(reader, part, parts, positions.get(part.name))
      if (read === undefined) continue
      positions.set(part.name, read.position)
      for (const text of read.texts) {
        const record = seen.isNew(text) ? parseRecord(text) : undefined
        if (record !== undefined && (query.node === undefined || record.node === query.node)) {
          fresh.push({ record, text })
        }
      }
    }
    const { ready, later } = inOrder(waiting, fresh)
    for (const { record, text } of ready) await write(record, text)
    waiting = later
    await delay(LOOK_MS, undefined, { signal })
  }
}

/**
 * Pure: which lines can be shown. Those of the look before can, and older ones that came since; what is newer waits for
 * the next look, in which a slower node may still bring something older.
 */
export function inOrder(
  waiting: readonly Line[],
  fresh: readonly Line[],
): { readonly ready: readonly Line[]; readonly later: readonly Line[] } {
  const sorted = [...waiting, ...fresh].sort((a, b) =>
    a.record.time < b.record.time ? -1 : a.record.time > b.record.time ? 1 : 0,
  )
  const newest = waiting.reduce((time, { record }) => (record.time > time ? record.time : time), '')
  const count = sorted.findIndex(({ record }) => record.time > newest)
  return count === -1 ? { ready: sorted, later: [] } : { ready: sorted.slice(0, count), later: sorted.slice(count) }
}

/** What was read, and where reading has come to. */
interface Read {
  readonly texts: readonly string[]
  readonly position: Position
}

/**
 * What was added to a service's file since `position`, also when it was put aside in the meantime; undefined when files
 * were put aside while they were read: the next look meets all of it again.
 */
async function readNew(
  reader: PartReader,
  part: Part,
  parts: readonly Part[],
  position: Position | undefined,
): Promise<Read | undefined> {
  if (position?.inode === part.inode) return readPart(reader, part, position.offset)
  const older = parts.filter(({ name, age }) => name === part.name && age > 0).sort((a, b) => b.age - a.age)
  const at = older.findIndex(({ inode }) => inode === position?.inode)
  const texts: (readonly string[])[] = []
  // A file that is gone altogether was older than all that are there; a service that is new has none of interest.
  const rest = position === undefined ? [] : at === -1 ? older : older.slice(at)
  for (const each of rest) {
    const read = await readPart(reader, each, each.inode === position?.inode ? position.offset : 0)
    if (read === undefined) return undefined
    texts.push(read.texts)
  }
  const current = await readPart(reader, part, 0)
  return current === undefined ? undefined : { texts: [...texts, current.texts].flat(), position: current.position }
}

/** The whole lines of a file from `offset` on; undefined when it was put aside between being listed and being read. */
async function readPart(reader: PartReader, part: Part, offset: number): Promise<Read | undefined> {
  if (part.size <= offset) return { texts: [], position: { inode: part.inode, offset } }
  const { inode, data } = await reader.read(part, offset)
  if (inode !== part.inode) return undefined
  const end = data.lastIndexOf('\n') + 1
  const texts =
    end === 0
      ? []
      : data
          .subarray(0, end - 1)
          .toString()
          .split('\n')
  return { texts, position: { inode, offset: offset + end } }
}

/** The end of a file that may end in the middle of a line: the start of that line. */
async function lineStart(reader: PartReader, part: Part): Promise<Position> {
  // No line is longer than the engine's 16 KiB, escaped at most sixfold.
  const from = Math.max(0, part.size - 100_000)
  const { inode, data } = await reader.read(part, from)
  return { inode, offset: from + data.lastIndexOf('\n') + 1 }
}

/** Tells lines that were met before from new ones, over the last so many. */
export function rememberLast(count: number): { isNew(text: string): boolean } {
  const known = new Set<string>()
  return {
    isNew(text) {
      if (known.has(text)) return false
      known.add(text)
      const [oldest] = known
      if (known.size > count && oldest !== undefined) known.delete(oldest)
      return true
    },
  }
}
