import { NODE_PATHS } from './names.ts'

/**
 * How every service of the lab logs: to its node's own socket, named by service and task. The socket is held by systemd,
 * so nothing is lost while the log server behind it restarts.
 */
export const SERVICE_LOGGING = {
  driver: 'syslog',
  options: {
    'syslog-address': `unixgram://${NODE_PATHS.logSocket}`,
    'syslog-format': 'rfc5424micro',
    tag: '{{index .ContainerLabels "com.docker.swarm.service.name"}}/{{index .ContainerLabels "com.docker.swarm.task.id"}}',
    // What the engine keeps for `docker logs` and for showing why a task failed.
    'cache-max-size': '4m',
    'cache-max-file': '2',
  },
} as const

/** One line of a central log file: `<service>.log` in `NODE_PATHS.logs` of the logs node holds one such JSON object a line. */
export interface LogRecord {
  /** RFC 3339 in UTC with six digits, so that it sorts as text: `2026-11-21T11:45:05.123456+00:00`. */
  readonly time: string
  readonly node: string
  readonly app: string
  readonly service: string
  /** Id of the swarm task. */
  readonly task: string
  readonly stream: 'stdout' | 'stderr'
  readonly line: string
}
