import type Docker from 'dockerode'
import type { ImageCache } from '../../model/image-cache.ts'
import type { LabIdentity } from '../../model/lab-spec.ts'
import type { Endpoint, Machine } from '../../model/provider.ts'
import { answers } from '../docker/host-engine.ts'
import { engineImageCache } from '../docker/image-cache.ts'
import { engineAddress, openEngine, unlessStatus } from '../docker/engine.ts'
import type { NotedMachine } from './notes.ts'

/** What a container of Vagrant's docker provider is at this moment. */
export interface ContainerNow {
  readonly state: Machine['state']
  /** Where its ports are on this host, by their number in it. */
  published(port: number): Endpoint | undefined
}

/** The engine Vagrant's docker provider uses: the one the `docker` command talks to; undefined where none answers. */
export async function vagrantEngine(): Promise<Docker | undefined> {
  const address = await engineAddress()
  const engine = openEngine(address)
  return (await answers(engine, address)) ? engine : undefined
}

/** Looks at the container of a machine. Asking the engine is as true as asking Vagrant, which asks it, and far quicker. */
export async function inspectContainer(engine: Docker, { id }: NotedMachine): Promise<ContainerNow> {
  const found = await unlessStatus(engine.getContainer(id).inspect(), 404)
  const ports = found?.NetworkSettings.Ports ?? {}
  return {
    // A paused one may go on.
    state: found === undefined ? 'missing' : found.State.Running ? 'running' : 'stopped',
    published: (port) => {
      const binding = ports[`${String(port)}/tcp`]?.[0]
      return binding === undefined ? undefined : { host: binding.HostIp, port: Number(binding.HostPort) }
    },
  }
}

/** Keeps images in the host's engine, and nothing on a host without one. */
export function cacheWhere(engine: () => Promise<Docker | undefined>, lab: LabIdentity): ImageCache {
  const open = async () => {
    const found = await engine()
    return found === undefined ? undefined : engineImageCache(() => Promise.resolve(found), lab)
  }
  return {
    has: async (key) => (await (await open())?.has(key)) ?? false,
    get: async (key) => (await open())?.get(key),
    put: async (key, archive, origin) => {
      const cache = await open()
      // What reads it to its end elsewhere must not wait for somebody here.
      if (cache === undefined) archive.resume()
      else await cache.put(key, archive, origin)
    },
  }
}
