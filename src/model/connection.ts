import type { Agent } from 'node:http'
import type { Duplex, Readable, Writable } from 'node:stream'
import type { Command, ExecResult } from './command.ts'

/** Options of a running command. */
export interface ExecOptions {
  readonly signal?: AbortSignal
}

/** A command that is running on the node. */
export interface RemoteProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves with the exit status; rejects only when the connection is lost. */
  readonly exit: Promise<number>
  /** Sends a signal (`TERM`, `INT`, ...) to the remote command and closes the channel. */
  kill(signal?: string): void
}

/** A terminal on the node. */
export interface RemoteTerminal {
  readonly stream: Duplex
  resize(columns: number, rows: number): void
  readonly exit: Promise<number>
}

/** Size and type of the terminal a user sits at. */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
  readonly term: string
}

/**
 * The one way to reach a node: a single SSH connection, at most 8 channels at a time (further calls queue).
 * Everything throws `ConnectError` when the node cannot be reached.
 */
export interface Connection {
  /** Name of the node. */
  readonly node: string
  /** Runs a command to its end. A non-zero status is a result, not an exception. */
  exec(command: Command, options?: ExecOptions): Promise<ExecResult>
  /** Runs a POSIX sh script, given on standard input. */
  script(text: string, options?: ExecOptions & { readonly timeoutMs?: number }): Promise<ExecResult>
  /** Starts a command whose streams the caller handles. */
  spawn(command: Command, options?: ExecOptions): Promise<RemoteProcess>
  /** Opens an interactive terminal: a login shell, or `command`. */
  terminal(size: TerminalSize, command?: Command): Promise<RemoteTerminal>
  readFile(path: string): Promise<Buffer>
  /** Writes a whole file, atomically (temporary file beside it, then rename). `mode` is octal, like 0o600. */
  writeFile(path: string, content: string | Uint8Array, mode: number): Promise<void>
  /** A byte stream to a Unix socket on the node. */
  openUnixSocket(path: string): Promise<Duplex>
  /** A byte stream to an address as seen from the node. */
  openTcp(host: string, port: number): Promise<Duplex>
  /** An agent whose connections end in the node's Docker socket; for dockerode. */
  dockerAgent(): Agent
  close(): Promise<void>
}
