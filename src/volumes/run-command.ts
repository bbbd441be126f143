import type { Command } from '../model/command.ts'
import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import { VOLUME_PATHS } from './node/paths.ts'
import { HEALTH_TIMEOUT_MS, readHealth } from './pool-health.ts'

/** Runs a command that must succeed and returns what it printed. Throws as {@link failure} otherwise. */
export async function runCommand(
  connection: Connection,
  argv: readonly string[],
  options: Pick<Command, 'timeoutMs'> = {},
): Promise<string> {
  const { status, stdout, stderr } = await connection.exec({ argv, ...options })
  if (status === 0) return stdout
  throw await failure(connection, argv.join(' '), status, stderr)
}

/** Runs a script that must succeed and returns what it printed. `title` stands for it in the error. */
export async function runScript(connection: Connection, title: string, script: string): Promise<string> {
  const { status, stdout, stderr } = await connection.script(script)
  if (status === 0) return stdout
  throw await failure(connection, title, status, stderr)
}

/**
 * The error of a command that failed on a node: `POOL_NOT_MOUNTED`, `POOL_READ_ONLY` or `POOL_FULL` where the state of
 * the node's pool is the reason, `VOLUME_DRIVER` with what the command said otherwise.
 */
export async function failure(connection: Connection, what: string, status: number, stderr: string): Promise<LabError> {
  const cause = driverError(connection.node, what, status, stderr)
  const asked = await connection.exec({ argv: [VOLUME_PATHS.driver, 'health'], timeoutMs: HEALTH_TIMEOUT_MS })
  if (asked.status !== 0) return cause
  const { state, detail, hint } = readHealth(asked.stdout)
  // In a full pool other things fail too, so what the command said stays in the message.
  const full = state === 'full' || /no space left|out of space/i.test(stderr)
  if (state !== 'not-mounted' && state !== 'read-only' && !full) return cause
  const why = `${state === 'ok' ? 'no room was left' : state}: ${detail}`
  const [code, message] =
    state === 'not-mounted' || state === 'read-only'
      ? [`POOL_${state.replace('-', '_').toUpperCase()}`, `the volumes of ${connection.node} cannot be used, ${why}`]
      : ['POOL_FULL', `${cause.message} (the pool of ${connection.node}: ${why})`]
  return new LabError(code, message, { where: connection.node, ...(hint === undefined ? {} : { hint }), cause })
}

/** The error of a command on a node that a volume needed. */
export function driverError(node: string, what: string, status: number, stderr: string): LabError {
  const said = stderr.trim().split('\n').slice(-3).join('; ')
  return new LabError(
    'VOLUME_DRIVER',
    `${what} failed with status ${String(status)}${said === '' ? '' : `: ${said}`}`,
    {
      where: node,
      hint: `lab ssh ${node}`,
    },
  )
}
