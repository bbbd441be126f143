import { request, type IncomingMessage } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { connect as connectTls } from 'node:tls'
import { LabError } from '../model/errors.ts'
import { REGISTRY, REGISTRY_HOST, REGISTRY_USER } from '../model/names.ts'

/** How to reach the lab's registry from this machine. */
export interface RegistryAccess {
  /** Opens a byte stream to the registry, through a node. */
  readonly open: () => Promise<Duplex>
  /** The lab's authority, PEM. */
  readonly authority: string
  readonly password: string
  readonly signal: AbortSignal
}

/** A part of an image in the registry. */
export interface Descriptor {
  readonly digest: string
  readonly size: number
}

/** A manifest, byte for byte: its digest is what images are pinned by. */
export interface Manifest {
  readonly digest: string
  readonly mediaType: string
  readonly bytes: string
}

interface Question {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string | number>>
}

const MANIFEST_TYPES = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
]

/** The lab's registry, spoken to directly: what is in it, and parts of images in and out without an engine. */
export class RegistryClient {
  private readonly access: RegistryAccess

  constructor(access: RegistryAccess) {
    this.access = access
  }

  /** The manifest under a tag or digest; undefined when there is none. */
  async manifest(repository: string, reference: string): Promise<Manifest | undefined> {
    const path = `/v2/${bare(repository)}/manifests/${reference}`
    const response = await this.send({ method: 'GET', path, headers: { accept: MANIFEST_TYPES.join(', ') } })
    const bytes = await text(response)
    if (response.statusCode === 404) return undefined
    if (response.statusCode !== 200) throw this.refused(path, response, bytes)
    const digest = response.headers['docker-content-digest']
    const mediaType = response.headers['content-type'] ?? ''
    if (typeof digest !== 'string') throw this.refused(path, response, 'it named no digest')
    return { digest, mediaType, bytes }
  }

  async putManifest(repository: string, tag: string, manifest: Manifest): Promise<void> {
    const path = `/v2/${bare(repository)}/manifests/${tag}`
    const headers = { 'content-type': manifest.mediaType, 'content-length': Buffer.byteLength(manifest.bytes) }
    const response = await this.send({ method: 'PUT', path, headers }, manifest.bytes)
    const said = await text(response)
    if (response.statusCode !== 201) throw this.refused(path, response, said)
  }

  async hasBlob(repository: string, digest: string): Promise<boolean> {
    const path = `/v2/${bare(repository)}/blobs/${digest}`
    const response = await this.send({ method: 'HEAD', path })
    response.resume()
    if (response.statusCode === 200) return true
    if (response.statusCode === 404) return false
    throw this.refused(path, response, '')
  }

  async openBlob(repository: string, digest: string): Promise<Readable> {
    const path = `/v2/${bare(repository)}/blobs/${digest}`
    const response = await this.send({ method: 'GET', path })
    if (response.statusCode === 200) return response
    throw this.refused(path, response, await text(response))
  }

  /** Uploads a part; the registry checks that it is what its digest says. */
  async putBlob(repository: string, { digest, size }: Descriptor, content: NodeJS.ReadableStream): Promise<void> {
    const start = `/v2/${bare(repository)}/blobs/uploads/`
    const begun = await this.send({ method: 'POST', path: start, headers: { 'content-length': 0 } })
    const said = await text(begun)
    const location = begun.headers.location
    if (begun.statusCode !== 202 || location === undefined) throw this.refused(start, begun, said)
    const { pathname, search } = new URL(location, `https://${REGISTRY}`)
    const query = `${search === '' ? '?' : `${search}&`}digest=${encodeURIComponent(digest)}`
    const headers = { 'content-type': 'application/octet-stream', 'content-length': size }
    const response = await this.send({ method: 'PUT', path: `${pathname}${query}`, headers }, content)
    const answer = await text(response)
    if (response.statusCode !== 201) throw this.refused(pathname, response, answer)
  }

  private async send(options: Question, body?: string | NodeJS.ReadableStream): Promise<IncomingMessage> {
    const { authority, password, signal } = this.access
    signal.throwIfAborted()
    const channel = await this.access.open()
    const socket = connectTls({ socket: channel, servername: REGISTRY_HOST, ca: authority })
    const release = () => {
      socket.destroy()
    }
    const authorization = `Basic ${Buffer.from(`${REGISTRY_USER}:${password}`).toString('base64')}`
    const headers = { ...options.headers, authorization, host: REGISTRY, connection: 'close' }
    const message = request({ ...options, headers, signal, createConnection: () => socket })
    message.setTimeout(SILENCE_MS, () => {
      message.destroy(new Error(`no answer for ${String(SILENCE_MS / 1000)} s`))
    })
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      message.once('response', (response) => {
        response.once('close', release)
        resolve(response)
      })
      // The socket reports what happens before HTTP begins: a certificate that is not the lab's, a node that went away.
      for (const source of [message, socket, channel]) source.on('error', reject)
    })
    try {
      const sent = typeof body === 'object' ? pipeline(body, message) : Promise.resolve(message.end(body))
      const [response] = await Promise.all([answered, sent])
      return response
    } catch (error) {
      release()
      signal.throwIfAborted()
      throw new LabError('REGISTRY', `the lab's registry does not answer: ${String(error)}`, {
        where: REGISTRY,
        hint: REPAIR,
        cause: error,
      })
    }
  }

  private refused(path: string, response: IncomingMessage, said: string): LabError {
    const status = `${String(response.statusCode ?? 0)} ${said.trim()}`.trim()
    return new LabError('REGISTRY', `the lab's registry refused ${path}: ${status}`, { where: REGISTRY, hint: REPAIR })
  }
}

/** A registry that says and takes nothing for this long is not going to. */
const SILENCE_MS = 60_000
const REPAIR = 'lab plan shows whether the registry is as it should be, lab up repairs it'

/** A repository's name as the registry itself knows it, without the registry's own. */
function bare(repository: string): string {
  return repository.startsWith(`${REGISTRY}/`) ? repository.slice(REGISTRY.length + 1) : repository
}
