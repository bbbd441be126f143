import { createHash } from 'node:crypto'
import { REGISTRY } from '../model/names.ts'

/** A name of an image taken apart. */
export interface ImageName {
  /** `docker.io` where the name has none. */
  readonly host: string
  /** With `library/` for Docker's own. */
  readonly path: string
  /** `latest` where the name has neither tag nor digest. */
  readonly tag: string | undefined
  readonly digest: string | undefined
}

/** Pure: an image's name in full: `nginx` is `docker.io/library/nginx:latest`. */
export function parseImageName(text: string): ImageName {
  const [named = '', digest] = text.split('@')
  const slash = named.lastIndexOf('/')
  const colon = named.indexOf(':', slash + 1)
  const repository = colon < 0 ? named : named.slice(0, colon)
  const tag = colon < 0 ? (digest === undefined ? 'latest' : undefined) : named.slice(colon + 1)
  const [first = '', ...rest] = repository.split('/')
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  const host = hasHost && first !== 'index.docker.io' ? first : 'docker.io'
  const path = hasHost ? rest.join('/') : repository
  return { host, path: host === 'docker.io' && !path.includes('/') ? `library/${path}` : path, tag, digest }
}

/** Where the lab's registry keeps a third-party image: under the host it came from. */
export function mirrorName(text: string): { readonly repository: string; readonly tag: string } {
  const { host, path, tag, digest } = parseImageName(text)
  const version = tag ?? (digest ?? '').replace(/[^a-zA-Z0-9_.-]/g, '-')
  return { repository: `${REGISTRY}/${host.replace(/:/g, '_')}/${path}`, tag: version }
}

/** Where the lab's registry keeps what an app's service is built to. */
export function builtRepository(app: string, service: string): string {
  return `${REGISTRY}/${app}/${service}`
}

/** Key of a third-party image in the host's cache. */
export function pullKey(text: string): string {
  const { host, path, tag, digest } = parseImageName(text)
  return shortDigest(['pull', host, path, tag ?? '', digest ?? ''])
}

/** 40 hex digits of a digest over parts; enough to tell any two images apart. */
export function shortDigest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40)
}
