import type Docker from 'dockerode'
import type { Connection } from '../model/connection.ts'
import type { ImageCache, ImageOrigin } from '../model/image-cache.ts'
import { LabError } from '../model/errors.ts'
import { NODE_PATHS, REGISTRY, REGISTRY_USER } from '../model/names.ts'
import { packImage, unpackImage } from './image-archive.ts'
import { mirrorName, pullKey } from './image-names.ts'
import { pullImage, type PullMemory } from './pull-image.ts'
import { pushImage } from './push-image.ts'
import type { Manifest, RegistryClient } from './registry-client.ts'
import { imageExists } from './trusted-base.ts'

/** The build node, as everything that makes images sees it. */
export interface Workshop {
  readonly connection: Connection
  readonly engine: Docker
  readonly registry: RegistryClient
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
 * A third-party image in the build node's engine, to build upon: there already, else by way of the lab's registry, which
 * keeps it. Returns the name it has in the engine. `fresh`: pull even where it is there.
 */
export async function obtainBase(
  shop: Workshop,
  reference: string,
  fresh: boolean,
  progress: (line: string) => void,
): Promise<string> {
  if (!fresh && (await imageExists(shop.engine, reference))) return reference
  const { repository, tag } = mirrorName(reference)
  const pushed = fresh
    ? undefined
    : ((await shop.registry.manifest(repository, tag)) ??
      (await takeKept(shop, pullKey(reference), repository, [tag], progress)))
  if (pushed === undefined) {
    await pullFromOutside(shop, reference, progress)
    shop.later(() => keepBase(shop, reference))
    return reference
  }
  const name = `${repository}:${tag}`
  await pullImage(shop.engine, name, { memory: shop.memory, auth: shop.auth, signal: shop.signal, progress })
  return name
}

/** Pulls an image from its own registry into the build node's engine. Throws as {@link pullImage} does. */
export async function pullFromOutside(
  shop: Workshop,
  reference: string,
  progress: (line: string) => void,
): Promise<void> {
  progress(`pulling ${reference}`)
  await pullImage(shop.engine, reference, { memory: shop.memory, signal: shop.signal, progress })
}

/** Puts an image that the host keeps into the lab's registry; undefined when it keeps none of that key. */
export async function takeKept(
  shop: Pick<Workshop, 'cache' | 'registry'>,
  key: string,
  repository: string,
  tags: readonly string[],
  progress: (line: string) => void,
): Promise<Manifest | undefined> {
  const archive = await shop.cache?.get(key)
  if (archive === undefined) return undefined
  progress('taking the image kept on this machine')
  const manifest = await unpackImage(shop.registry, repository, archive, progress)
  for (const tag of tags) await shop.registry.putManifest(repository, tag, manifest)
  return manifest
}

/** Keeps an image of the lab's registry on the host, for labs to come. */
export async function keepOnHost(
  shop: Workshop,
  key: string,
  origin: ImageOrigin,
  { repository, manifest }: { readonly repository: string; readonly manifest: Manifest },
): Promise<void> {
  if (shop.cache === undefined || (await shop.cache.has(key))) return
  await shop.cache.put(key, packImage(shop.registry, repository, manifest), origin)
}

async function keepBase(shop: Workshop, reference: string): Promise<void> {
  const { repository, tag } = mirrorName(reference)
  await tagAs(shop.engine, reference, `${repository}:${tag}`)
  const quiet = { progress: () => undefined, signal: shop.signal }
  const digest = await pushImage(shop.engine, `${repository}:${tag}`, shop.auth, quiet)
  const manifest = await shop.registry.manifest(repository, digest)
  if (manifest !== undefined) await keepOnHost(shop, pullKey(reference), 'pulled', { repository, manifest })
}

/** Gives an image of an engine another name. */
export async function tagAs(engine: Docker, from: string, to: string): Promise<void> {
  if (from === to) return
  const colon = to.lastIndexOf(':')
  await engine.getImage(from).tag({ repo: to.slice(0, colon), tag: to.slice(colon + 1) })
}
