/** A command for a node or the host: always an argument vector, never a shell string. */
export interface Command {
  readonly argv: readonly string[]
  /** Written to the command's standard input. Secrets travel here, never in argv. */
  readonly stdin?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Values to hide wherever the command or its output is shown. */
  readonly secrets?: readonly string[]
  /** Deadline; the connection kills the command when it passes. */
  readonly timeoutMs?: number
  /**
   * Name of the systemd transient unit to run it under. Set for whatever takes longer than a moment: it survives the
   * loss of the connection, and a later run that finds the unit waits for it instead of starting a second.
   */
  readonly unit?: string
}

/** What a command left behind. */
export interface ExecResult {
  /** Exit status; 128 + signal number when killed by a signal. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}
