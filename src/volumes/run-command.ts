import type { Command } from '../model/command.ts'
import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'

/** Runs a command that must succeed and returns what it printed. Throws `LabError` `VOLUME_DRIVER` otherwise. */
export async function runCommand(
  connection: Connection,
  argv: readonly string[],
  options: Pick<Command, 'timeoutMs'> = {},
): Promise<string> {
  const { status, stdout, stderr } = await connection.exec({ argv, ...options })
  if (status === 0) return stdout
  throw driverError(connection.node, argv.join(' '), status, stderr)
}

/** Runs a script that must succeed and returns what it printed. `title` stands for it in the error. */
export async function runScript(connection: Connection, title: string, script: string): Promise<string> {
  const { status, stdout, stderr } = await connection.script(script)
  if (status === 0) return stdout
  throw driverError(connection.node, title, status, stderr)
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
