import { createRequire } from 'node:module'
import type Client from 'dockerode'

/**
 * dockerode, less the part that opens sessions with BuildKit: lab never does, and that part loads gRPC, which costs each
 * command more than all the rest of dockerode.
 */
function load(): typeof Client {
  const require = createRequire(import.meta.url)
  const session = require.resolve('dockerode/lib/session')
  const exports = () => {
    throw new Error('lab opens no sessions with BuildKit: what uses them must import dockerode itself')
  }
  require.cache[session] ??= {
    id: session,
    filename: session,
    loaded: true,
    exports,
    children: [],
  } as unknown as NodeJS.Module
  return require('dockerode') as typeof Client
}

/** A client of a Docker engine, as dockerode documents it. */
export const DockerClient = load()
