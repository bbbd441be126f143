import { finished } from 'node:stream/promises'
import type { Readable, Writable } from 'node:stream'
import type { Command } from '../model/command.ts'
import type { Connection, TerminalSize } from '../model/connection.ts'

/** What a person sits at, or a script is connected to. */
export interface LocalStreams {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** There when input and output are a terminal: the far side gets one too. */
  readonly terminal?: LocalTerminal | undefined
}

/** The terminal behind the streams. */
export interface LocalTerminal {
  size(): TerminalSize
  /** Calls back after each change of size, until the returned function is called. */
  onResize(changed: () => void): () => void
  /** Raw: every key goes to the far side, Ctrl-C among them. */
  setRaw(raw: boolean): void
}

/**
 * Connects local streams to a command on a node (a login shell when there is none) until it ends, and returns its exit
 * status. Local streams stay open. Rejects when the connection breaks.
 */
export function attach(
  connection: Connection,
  command: Command | undefined,
  streams: LocalStreams,
  signal: AbortSignal,
): Promise<number> {
  if (streams.terminal !== undefined) return attachTerminal(connection, command, streams, streams.terminal)
  // Without a terminal a shell reads its commands from its input.
  return attachPipes(connection, command ?? { argv: ['bash', '-l'] }, streams, signal)
}

async function attachTerminal(
  connection: Connection,
  command: Command | undefined,
  { stdin, stdout }: LocalStreams,
  terminal: LocalTerminal,
): Promise<number> {
  const remote = await connection.terminal(terminal.size(), command)
  const resize = () => {
    const { columns, rows } = terminal.size()
    remote.resize(columns, rows)
  }
  const stopResizing = terminal.onResize(resize)
  terminal.setRaw(true)
  try {
    // It may have changed while the terminal was being opened.
    resize()
    stdin.pipe(remote.stream)
    remote.stream.pipe(stdout, { end: false })
    const [status] = await Promise.all([remote.exit, finished(remote.stream, { writable: false })])
    return status
  } finally {
    terminal.setRaw(false)
    stopResizing()
    letGo(stdin, remote.stream)
  }
}

async function attachPipes(
  connection: Connection,
  command: Command,
  { stdin, stdout, stderr }: LocalStreams,
  signal: AbortSignal,
): Promise<number> {
  const remote = await connection.spawn(command, { signal })
  // A command that does not read its input is no failure: its status says what happened.
  remote.stdin.on('error', () => undefined)
  try {
    stdin.pipe(remote.stdin)
    remote.stdout.pipe(stdout, { end: false })
    remote.stderr.pipe(stderr, { end: false })
    const [status] = await Promise.all([
      remote.exit,
      finished(remote.stdout, { writable: false }),
      finished(remote.stderr, { writable: false }),
    ])
    signal.throwIfAborted()
    return status
  } finally {
    letGo(stdin, remote.stdin)
  }
}

/** Input that nobody takes any more must not keep the process from ending. */
function letGo(stdin: Readable, target: Writable): void {
  stdin.unpipe(target)
  stdin.pause()
}
