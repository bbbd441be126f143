import type { OpenLab } from './open-lab.ts'
import { attach, type LocalStreams } from './attach.ts'
import { runningTask } from './running-task.ts'

/** What to run where. */
export interface ExecOptions {
  readonly service: string
  /** A container on this node; absent, any. */
  readonly node?: string | undefined
  readonly command: readonly string[]
}

/**
 * Runs a command in a running container of a service, on a terminal of its own if there is one here, and returns its
 * exit status. Throws `NO_TASK` when no container runs.
 */
export async function exec(lab: OpenLab, options: ExecOptions, streams: LocalStreams): Promise<number> {
  const { containerId, connection } = await runningTask(lab, options.service, options.node)
  const { terminal } = streams
  const flags =
    terminal === undefined ? ['--interactive'] : ['--interactive', '--tty', '--env', `TERM=${terminal.size().term}`]
  const argv = ['docker', 'exec', ...flags, containerId, ...options.command]
  return attach(connection, { argv }, streams, lab.signal)
}
