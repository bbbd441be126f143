import type { Screen, Style } from '../reporters/style.ts'
import { makeStyle } from '../reporters/style.ts'

/** What a command reads from and writes to, and what it may know of its surroundings. */
export interface Io {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Aborted when whoever read the output has gone (`lab logs | head`). */
  readonly gone: AbortSignal
  /** Writes a line to standard output; once nobody reads it any more, does nothing. */
  readonly out: (line: string) => void
  /** Writes a line to standard error, likewise. */
  readonly err: (line: string) => void
}

/** The streams of this process. */
export function processIo(): Io {
  const gone = new AbortController()
  const writer = (stream: NodeJS.WriteStream) => {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
      gone.abort()
    })
    return (line: string) => {
      if (!gone.signal.aborted) stream.write(`${line}\n`)
    }
  }
  const { stdin, stdout, stderr, env } = process
  return { stdin, stdout, stderr, env, cwd: process.cwd(), gone: gone.signal, out: writer(stdout), err: writer(stderr) }
}

/** True where output can be redrawn in place. */
export function isLive(stream: NodeJS.WriteStream, env: Io['env']): boolean {
  return stream.isTTY && env['TERM'] !== 'dumb'
}

/** Colours of a stream: on a terminal only, unless NO_COLOR or FORCE_COLOR say otherwise. */
export function styleOf(stream: NodeJS.WriteStream, env: Io['env']): Style {
  return makeStyle(wantsColor(stream, env))
}

/** Width and colours of a stream, for what is laid out for it. Without a terminal nothing is cut. */
export function screenOf(stream: NodeJS.WriteStream, env: Io['env']): Screen {
  const columns = Number(env['COLUMNS'])
  // A terminal that does not know its size says 0.
  const width = stream.isTTY && stream.columns === 0 ? 80 : stream.columns
  const wide = stream.isTTY ? width : columns > 0 ? columns : 10_000
  return { columns: wide, style: styleOf(stream, env) }
}

function wantsColor(stream: NodeJS.WriteStream, env: Io['env']): boolean {
  if (isSet(env['NO_COLOR'])) return false
  const forced = env['FORCE_COLOR']
  if (isSet(forced)) return forced !== '0' && forced !== 'false'
  return isLive(stream, env)
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== ''
}
