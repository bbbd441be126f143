import type Docker from 'dockerode'
import type { LabIdentity } from '../../model/lab-spec.ts'
import { LABELS } from '../../model/names.ts'
import { unlessStatus } from './engine.ts'
import { createPrivileged, missingCapabilities, nodePrivileges } from './privileges.ts'

/** What runs, on what. */
export interface VolumeScript {
  /** A node image: it has the tools. */
  readonly image: string
  /** For `bash`, which gets `args` as its arguments. */
  readonly script: string
  readonly args: readonly string[]
  readonly mounts: readonly Docker.MountSettings[]
}

/** Labels of a container that a command works through: found again should lab be killed before it is removed. */
export function helperLabels(lab: LabIdentity): Record<string, string> {
  return { [LABELS.lab]: lab.id, [LABELS.helper]: 'true' }
}

/** Removes containers of this kind that commands before were killed with; they hold on to volumes. */
export async function removeHelpers(engine: Docker, lab: LabIdentity): Promise<void> {
  const filters = { label: [`${LABELS.lab}=${lab.id}`, LABELS.helper] }
  const left = await engine.listContainers({ all: true, filters })
  await Promise.all(left.map(({ Id }) => unlessStatus(engine.getContainer(Id).remove({ force: true }), 404, 409)))
}

/**
 * Runs a script with access to volumes of the host's engine, in a container of its own: only the engine can look into
 * them, whoever runs lab. Resolves with how it ended and all it printed.
 */
export async function runOnVolumes(
  engine: Docker,
  lab: LabIdentity,
  { image, script, args, mounts }: VolumeScript,
  signal?: AbortSignal,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const container = await createPrivileged(engine, {
    Image: image,
    Entrypoint: ['bash', '-c', script, 'bash', ...args],
    Labels: helperLabels(lab),
    NetworkDisabled: true,
    // One stream, as on a terminal: what went wrong stands where it happened.
    Tty: true,
    HostConfig: { ...nodePrivileges(await missingCapabilities()), Mounts: [...mounts] },
  })
  const stop = () => {
    // What waits for it below then ends.
    container.kill().catch(() => undefined)
  }
  signal?.addEventListener('abort', stop)
  try {
    signal?.throwIfAborted()
    await container.start()
    const { StatusCode } = (await container.wait()) as { readonly StatusCode: number }
    signal?.throwIfAborted()
    const output = (await container.logs({ stdout: true, stderr: true })).toString().replaceAll('\r\n', '\n')
    return { exitCode: StatusCode, output }
  } finally {
    signal?.removeEventListener('abort', stop)
    await container.remove({ force: true })
  }
}
