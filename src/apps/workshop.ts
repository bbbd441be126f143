import type Docker from 'dockerode'
import type { Connection } from '../model/connection.ts'
import { cacheTag, type ImageCache } from '../model/image-cache.ts'
import { LabError } from '../model/errors.ts'
import { NODE_PATHS, REGISTRY, REGISTRY_USER } from '../model/names.ts'
import { followEngine } from './engine-stream.ts'
import { parseImageName, pullKey } from './image-names.ts'
import { pullImage, type PullMemory } from './pull-image.ts'
import { imageExists } from './trusted-base.ts'

/** The build node, as everything that makes images sees it. */
export interface Workshop {
  readonly connection: Connection
  readonly engine: Docker
  /** Login of the lab's registry. */
  readonly auth: Docker.AuthConfig
  /** Authorities that builds must trust beyond the public ones (PEM). */
  readonly certificates: string | undefined
  /** Images kept on the host; undefined where there is no engine on it. */
  readonly cache: ImageCache | undefined
  readonly memory: PullMemory
  readonly signal: AbortSignal
  /** Takes work that need not be done before the deploy is. */
  readonly later: (work: () => Promise<void>) => void
}

/** `DOCKER_CONFIG` of everything lab runs on a node. On a tmpfs: it holds the registry's password. */
export const CLIENT_CONFIG = `${NODE_PATHS.run}/docker`

/** Pure: the engine client's configuration: the registry's login, and the host's proxies for what runs inside builds. */
export function clientConfig(password: string, proxy: Readonly<Record<string, string>>): string {
  const [http, https, none] = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].map(
    (name) => proxy[name] ?? proxy[name.toLowerCase()],
  )
  const proxies = {
    ...(http === undefined ? {} : { httpProxy: http }),
    ...(https === undefined ? {} : { httpsProxy: https }),
    ...(none === undefined ? {} : { noProxy: none }),
  }
  const auth = Buffer.from(`${REGISTRY_USER}:${password}`).toString('base64')
  return JSON.stringify({
    auths: { [REGISTRY]: { auth } },
    ...(Object.keys(proxies).length === 0 ? {} : { proxies: { default: proxies } }),
  })
}

/** Writes the engine client's configuration on a node. */
export async function installClientConfig(connection: Connection, config: string): Promise<void> {
  const { status, stderr } = await connection.exec({ argv: ['mkdir', '-p', '-m', '0700', CLIENT_CONFIG] })
  if (status !== 0) throw new LabError('NODE', stderr.trim(), { where: connection.node })
  await connection.writeFile(`${CLIENT_CONFIG}/config.json`, config, 0o600)
}

/**
 * A third-party image in the build node's engine: there already, else kept on the host, else pulled. Returns the name it
 * has there. `fresh`: pull even where it is there.
 */
export async function obtainImage(
  shop: Workshop,
  reference: string,
  fresh: boolean,
  progress: (line: string) => void,
): Promise<string> {
  const { engine, cache, signal, memory, later } = shop
  if (!fresh && (await imageExists(engine, reference))) return reference
  const key = pullKey(reference)
  if (!fresh && (await loadKept(shop, key, progress))) {
    const { digest } = parseImageName(reference)
    if (digest !== undefined) return cacheTag(key)
    await tagAs(engine, cacheTag(key), reference)
    return reference
  }
  progress(`pulling ${reference}`)
  await pullImage(engine, reference, { memory, progress, signal })
  if (cache !== undefined) later(() => keepOnHost(shop, reference, key))
  return reference
}

/** Loads an image that the host keeps; false when it keeps none of that key. */
export async function loadKept(shop: Workshop, key: string, progress: (line: string) => void): Promise<boolean> {
  const archive = await shop.cache?.get(key)
  if (archive === undefined) return false
  progress('taking the image kept on this machine')
  await followEngine(await shop.engine.loadImage(archive, { abortSignal: shop.signal }))
  return true
}

/** Keeps an image of the build node's engine on the host, for labs to come. */
export async function keepOnHost(shop: Workshop, name: string, key: string): Promise<void> {
  if (shop.cache === undefined || (await shop.cache.has(key))) return
  await tagAs(shop.engine, name, cacheTag(key))
  const archive = await shop.engine.getImage(cacheTag(key)).get()
  await shop.cache.put(key, archive)
}

/** Gives an image of an engine another name. */
export async function tagAs(engine: Docker, from: string, to: string): Promise<void> {
  if (from === to) return
  const colon = to.lastIndexOf(':')
  await engine.getImage(from).tag({ repo: to.slice(0, colon), tag: to.slice(colon + 1) })
}
