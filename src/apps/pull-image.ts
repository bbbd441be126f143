import type Docker from 'dockerode'
import { engineMessage } from '../model/engine-error.ts'
import { LabError, toLabError } from '../model/errors.ts'
import { followEngine, LayerProgress } from './engine-stream.ts'
import { parseImageName } from './image-names.ts'

/** Registries that did not answer in this run: nobody waits for the same one twice. */
export class PullMemory {
  readonly unreachable = new Map<string, LabError>()
}

/** How to pull. */
export interface PullOptions {
  readonly memory: PullMemory
  readonly progress: (line: string) => void
  readonly signal: AbortSignal
  readonly auth?: Docker.AuthConfig
  /** Time for the registry to say anything at all; 8 s when absent. */
  readonly answerMs?: number
}

const ANSWER_MS = 8000
/** A download that stands still for this long will not go on. */
const STALL_MS = 60_000
const NETWORK_TROUBLE =
  /dial tcp|lookup |no such host|timeout|timed out|refused|unreachable|connection reset|EOF|TLS|x509|proxyconnect|context deadline|server misbehaving|5\d\d /i

/**
 * Pulls an image into an engine. Throws `LabError`: `REGISTRY_UNREACHABLE` where its registry does not answer, which is
 * remembered, `NO_SUCH_IMAGE` where it answers and has none (or keeps it to itself).
 */
export async function pullImage(engine: Docker, reference: string, options: PullOptions): Promise<void> {
  const { host } = parseImageName(reference)
  const known = options.memory.unreachable.get(host)
  if (known !== undefined) throw known
  const silence = new Silence(options.answerMs ?? ANSWER_MS)
  const layers = new LayerProgress()
  try {
    const abortSignal = AbortSignal.any([options.signal, silence.signal])
    const auth = options.auth === undefined ? {} : { authconfig: options.auth }
    const stream = await engine.pull(reference, { abortSignal, ...auth })
    await followEngine(stream, (report) => {
      silence.heard(STALL_MS)
      const line = layers.add(report, `downloading ${reference}:`)
      if (line !== undefined) options.progress(line)
    })
  } catch (error) {
    options.signal.throwIfAborted()
    const failure = silence.signal.aborted
      ? unreachable(host, reference, `no answer for ${String(silence.lastMs / 1000)} s`, error)
      : explain(host, reference, error)
    if (failure.code === 'REGISTRY_UNREACHABLE') options.memory.unreachable.set(host, failure)
    throw failure
  } finally {
    silence.end()
  }
}

function explain(host: string, reference: string, error: unknown): LabError {
  const said = error instanceof LabError ? error.message : engineMessage(error)
  if (NETWORK_TROUBLE.test(said)) return unreachable(host, reference, said, error)
  return new LabError('NO_SUCH_IMAGE', `image ${reference} cannot be had: ${said}`, {
    where: reference,
    hint: 'check the name; an image that needs a login must be built or pushed to the lab by an app',
    cause: toLabError(error),
  })
}

function unreachable(host: string, reference: string, said: string, cause: unknown): LabError {
  return new LabError('REGISTRY_UNREACHABLE', `image ${reference} cannot be had: ${host} does not answer (${said})`, {
    where: host,
    hint: `check the network of this machine, or give the service a build: to fall back on`,
    cause,
  })
}

/** Aborts when nothing has been heard for a time. */
class Silence {
  lastMs: number
  private readonly controller = new AbortController()
  private timer: NodeJS.Timeout

  constructor(ms: number) {
    this.lastMs = ms
    this.timer = this.start(ms)
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  heard(nextMs: number): void {
    clearTimeout(this.timer)
    this.lastMs = nextMs
    this.timer = this.start(nextMs)
  }

  end(): void {
    clearTimeout(this.timer)
  }

  private start(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.controller.abort(new Error('silence'))
    }, ms)
  }
}
