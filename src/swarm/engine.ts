import Docker from 'dockerode'
import type { Connection } from '../model/connection.ts'

/**
 * The Docker engine of a node, through the node's one connection. Every option that dockerode would otherwise take from
 * DOCKER_* of the environment is set here, so that a user's own `DOCKER_HOST` never leaks into a lab.
 */
export function openEngine(connection: Connection): Docker {
  return new Docker({
    protocol: 'http',
    host: 'docker',
    port: 80,
    agent: connection.dockerAgent(),
    pathPrefix: '/',
    timeout: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  } as unknown as Docker.DockerOptions)
}

/** HTTP status of an error that an engine answered with; undefined when it is no such error. */
export function engineStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  return typeof error.statusCode === 'number' ? error.statusCode : undefined
}

/** What an engine said, without dockerode's "(HTTP code 500) server error -" before it. */
export function engineMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim()
}
