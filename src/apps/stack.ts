import type { Connection } from '../model/connection.ts'
import { LabError } from '../model/errors.ts'
import { escapeDollars } from './compose-config.ts'
import type { StackFile } from './stack-file.ts'
import { CLIENT_CONFIG } from './workshop.ts'

/**
 * Hands a stack to the swarm, through a manager's own `docker stack deploy`. Returns at once: waiting is done by tasks.
 * Services that are no longer in the file stay: they go once the new version is up. Throws `STACK_REFUSED`.
 */
export async function deployStack(connection: Connection, app: string, stack: StackFile): Promise<void> {
  const flags = ['--detach=true', '--resolve-image', 'never', '--with-registry-auth']
  const result = await connection.exec({
    argv: ['docker', 'stack', 'deploy', ...flags, '-c', '-', app],
    env: { DOCKER_CONFIG: CLIENT_CONFIG },
    stdin: JSON.stringify(escapeDollars(stack)),
    timeoutMs: 120_000,
  })
  if (result.status === 0) return
  const said = result.stderr.trim().split('\n').at(-1) ?? ''
  throw new LabError('STACK_REFUSED', `the swarm refused ${app}: ${said}`, {
    where: app,
    hint: 'lab status shows what runs; nothing of it was taken away',
  })
}
