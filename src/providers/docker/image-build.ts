import { readFile } from 'node:fs/promises'
import type Docker from 'dockerode'
import { LabError } from '../../model/errors.ts'
import type { Progress } from '../../model/provider.ts'
import { loopbackProxies } from '../../model/proxy.ts'
import { engineMessage } from '../../model/engine-error.ts'
import { buildContext, IMAGE_LABEL, type ExtraFile, type ImageName } from './image-recipe.ts'

/** One message of an engine's progress stream. */
interface EngineMessage {
  readonly stream?: string
  readonly status?: string
  readonly error?: string
  readonly id?: string
}

/** What an image is built with. */
export interface BuildOptions {
  readonly tag: string
  readonly args: Readonly<Record<string, string>>
  readonly extra?: readonly ExtraFile[]
  readonly progress: Progress
  readonly signal: AbortSignal
}

/** Proxy settings are predefined build arguments: used during the build, not kept in the image. */
const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']
const LINES_SHOWN = 12

/**
 * Builds one image of `images/` through the engine's own API, so that neither the `docker` command nor its plugins
 * are needed. Throws `IMAGE_BUILD` with the build's last lines.
 */
export async function buildImage(engine: Docker, name: ImageName, options: BuildOptions): Promise<void> {
  const { tag, args, extra, progress, signal } = options
  const last: string[] = []
  const proxies = PROXY_VARIABLES.flatMap((key) => {
    const value = process.env[key]
    return value === undefined ? [] : [[key, value] as const]
  })
  try {
    const stream = await engine.buildImage(await buildContext(name, extra), {
      t: tag,
      buildargs: { ...Object.fromEntries(proxies), ...args },
      labels: { [IMAGE_LABEL]: name },
      rm: true,
      forcerm: true,
      abortSignal: signal,
      ...((await needsHostNetwork(Object.fromEntries(proxies))) ? { networkmode: 'host' } : {}),
    })
    await followEngine(engine, stream, (line) => {
      last.push(line)
      if (last.length > LINES_SHOWN) last.shift()
      progress(`${name}: ${line}`)
    })
  } catch (error) {
    signal.throwIfAborted()
    throw new LabError('IMAGE_BUILD', [...last, engineMessage(error)].join('\n'), {
      where: `images/${name}/Dockerfile`,
      hint: 'if a mirror or the network was down, run the same command again: what is built already is kept',
      cause: error,
    })
  }
}

/** Reads an engine's progress stream to its end, line by line. Throws what the engine reports as an error in it. */
export async function followEngine(engine: Docker, stream: NodeJS.ReadableStream, line: Progress): Promise<void> {
  const messages = await new Promise<readonly EngineMessage[]>((resolve, reject) => {
    engine.modem.followProgress(
      stream,
      (error: Error | null, all: EngineMessage[]) => {
        if (error === null) resolve(all)
        else reject(error)
      },
      (message: EngineMessage) => {
        const text = message.stream ?? message.status ?? ''
        for (const part of text.split('\n')) if (part.trim() !== '') line(part.trimEnd())
      },
    )
  })
  const failed = messages.find((message) => message.error !== undefined)
  if (failed?.error !== undefined) throw new Error(failed.error)
}

/**
 * Engines give builds the host's name servers, except those on the host's loopback, which a container cannot reach:
 * such a host's builds must use its own network. (systemd-resolved's are an exception the engine knows of.) So must those
 * of a host whose proxy is on its loopback.
 */
async function needsHostNetwork(proxy: Readonly<Record<string, string>>): Promise<boolean> {
  if (process.platform !== 'linux') return false
  if (loopbackProxies(proxy).length > 0) return true
  const servers = nameServers(await readFile('/etc/resolv.conf', 'utf8').catch(() => ''))
  return servers.length > 0 && servers.every((server) => server.startsWith('127.') && server !== '127.0.0.53')
}

/** Addresses of the name servers in a resolv.conf. */
export function nameServers(text: string): readonly string[] {
  return [...text.matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1] ?? '')
}
