import type { Connection } from '../model/connection.ts'
import type { Command, ExecResult } from '../model/command.ts'
import { LabError } from '../model/errors.ts'
import { PROBE_CONTAINER } from '../model/names.ts'

/**
 * A node's own network namespace can neither ask the overlay's name server nor reach its addresses; the namespace of
 * the small probe container there can. Commands run in it with the node's own tools.
 */
export interface Probe {
  readonly connection: Connection
  /** Process whose network namespace it is. */
  readonly pid: number
}

/** Finds the probe of a node. Throws `NO_PROBE` when it does not run. */
export async function openProbe(connection: Connection, signal?: AbortSignal): Promise<Probe> {
  const result = await connection.exec(
    { argv: ['docker', 'inspect', '--format', '{{.State.Pid}}', PROBE_CONTAINER], timeoutMs: 10_000 },
    signal === undefined ? {} : { signal },
  )
  const pid = Number(result.stdout.trim())
  if (result.status === 0 && Number.isInteger(pid) && pid > 0) return { connection, pid }
  throw new LabError('NO_PROBE', `the container ${PROBE_CONTAINER} does not run`, {
    where: connection.node,
    hint: 'lab up',
  })
}

/** The command that does, in the probe's network namespace, what `argv` does. */
export function probeCommand(probe: Probe, argv: readonly string[]): Command {
  return { argv: ['nsenter', '-t', String(probe.pid), '-n', '--', ...argv] }
}

/** Runs a command in the probe's network namespace. */
export async function runInProbe(
  probe: Probe,
  argv: readonly string[],
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<ExecResult> {
  return probe.connection.exec(
    { ...probeCommand(probe, argv), timeoutMs: options.timeoutMs },
    options.signal === undefined ? {} : { signal: options.signal },
  )
}
