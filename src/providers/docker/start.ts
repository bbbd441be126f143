import type Docker from 'dockerode'
import { LabError } from '../../model/errors.ts'
import type { LabIdentity } from '../../model/lab-spec.ts'
import type { MachineRequest } from '../../model/provider.ts'
import { engineMessage } from '../../model/engine-error.ts'
import { unlessStatus } from './engine.ts'
import { joinNetwork } from './further-networks.ts'
import { accessArchive, containerName, containerOptions } from './machine.ts'
import { createPrivileged, missingCapabilities, NEEDED_CAPABILITIES, nodePrivileges } from './privileges.ts'

const NO_PRIVILEGE = /unable to apply caps|operation not permitted/i

/** Creates a node and starts it, with its keys in place before its first process runs. */
export async function createNode(
  engine: Docker,
  lab: LabIdentity,
  request: MachineRequest,
  image: string,
  signal: AbortSignal,
): Promise<void> {
  const name = containerName(lab, request.node.name)
  const present = await unlessStatus(engine.getContainer(name).inspect(), 404)
  if (present !== undefined && present.State.Status !== 'created')
    return startNode(engine, lab, request.node.name, signal)
  const access = await accessArchive(request)
  let missing = await missingCapabilities()
  checkCapabilities(missing)
  for (;;) {
    signal.throwIfAborted()
    // One that was created and never started: from a run that was killed, or from the attempt before.
    await unlessStatus(engine.getContainer(name).remove({ force: true }), 404)
    const container = await create(engine, containerOptions(lab, request, image, nodePrivileges(missing)), lab)
    try {
      await container.putArchive(access, { path: '/' })
      for (const [network, address] of Object.entries(request.networks ?? {}))
        await joinNetwork(engine, lab, network, { node: request.node.name, address })
      await container.start()
      return
    } catch (error) {
      const said = engineMessage(error)
      await unlessStatus(container.remove({ force: true }), 404)
      if (!NO_PRIVILEGE.test(said) || missing.length > 0) throw startFailed(request.node.name, said, error)
      // The engine has fewer capabilities than could be read from here.
      missing = ['SYS_RESOURCE']
    }
  }
}

/** Starts a node that was stopped. */
export async function startNode(engine: Docker, lab: LabIdentity, node: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  try {
    await unlessStatus(engine.getContainer(containerName(lab, node)).start(), 304)
  } catch (error) {
    throw startFailed(node, engineMessage(error), error)
  }
}

async function create(
  engine: Docker,
  options: Docker.ContainerCreateOptions,
  lab: LabIdentity,
): Promise<Docker.Container> {
  try {
    return await createPrivileged(engine, options)
  } catch (error) {
    throw new LabError('CREATE_FAILED', engineMessage(error), {
      where: options.name ?? lab.id,
      hint: 'lab doctor',
      cause: error,
    })
  }
}

function checkCapabilities(missing: readonly string[]): void {
  const needed = NEEDED_CAPABILITIES.filter((name) => missing.includes(name))
  if (needed.length === 0) return
  throw new LabError('CAPABILITIES', `the engine lacks ${needed.join(', ')}; nodes need them`, {
    where: "this host's Docker engine",
    hint: 'run the engine as root of the machine (not rootless, not in an unprivileged container)',
  })
}

function startFailed(node: string, said: string, cause: unknown): LabError {
  return new LabError('START_FAILED', `the engine does not start ${node}: ${said}`, {
    where: node,
    hint: 'lab doctor',
    cause,
  })
}
