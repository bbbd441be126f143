import type Docker from 'dockerode'
import { engineMessage } from '../model/engine-error.ts'
import { LabError } from '../model/errors.ts'
import { REGISTRY, REGISTRY_USER } from '../model/names.ts'
import { followEngine, LayerProgress } from './engine-stream.ts'

/** The login of the lab's registry, as engines take it: in a header, never in an argument. */
export function registryLogin(password: string): Docker.AuthConfig {
  return { username: REGISTRY_USER, password, serveraddress: REGISTRY }
}

/** Pushes an image of an engine under the name it already has; returns its digest in the registry. */
export async function pushImage(
  engine: Docker,
  name: string,
  auth: Docker.AuthConfig,
  options: { readonly progress: (line: string) => void; readonly signal: AbortSignal },
): Promise<string> {
  const layers = new LayerProgress()
  let digest: string | undefined
  try {
    const stream = await engine.getImage(name).push({ authconfig: auth, abortSignal: options.signal })
    await followEngine(stream, (report) => {
      digest = (report.aux as { readonly Digest?: string } | undefined)?.Digest ?? digest
      const line = layers.add(report, 'pushing')
      if (line !== undefined) options.progress(line)
    })
  } catch (error) {
    options.signal.throwIfAborted()
    throw registryError(name, error instanceof LabError ? error.message : engineMessage(error), error)
  }
  if (digest === undefined) throw registryError(name, 'it named no digest', undefined)
  return digest
}

function registryError(name: string, said: string, cause: unknown): LabError {
  return new LabError('REGISTRY', `the lab's registry failed: ${said}`, {
    where: name,
    hint: 'lab plan shows whether the registry is as it should be, lab up repairs it',
    cause,
  })
}
