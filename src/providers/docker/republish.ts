import type Docker from 'dockerode'
import { LabError } from '../../model/errors.ts'
import type { LabIdentity } from '../../model/lab-spec.ts'
import { containerName, nextFreePort } from './machine.ts'

interface Binding {
  readonly HostIp?: string
  readonly HostPort?: string
}

/**
 * Gives a stopped node other host ports, where those it had are taken: ports of a container are fixed at its creation,
 * so it is made anew from its own file system, with the same volumes, address and name.
 */
export async function republish(engine: Docker, lab: LabIdentity, node: string): Promise<void> {
  const name = containerName(lab, node)
  const container = engine.getContainer(name)
  const { Config, HostConfig, NetworkSettings } = await container.inspect()
  const bindings = (HostConfig.PortBindings ?? {}) as Readonly<Record<string, readonly Binding[]>>
  const address = fixedAddress(NetworkSettings.Networks[lab.id])
  if (address === undefined) {
    throw new LabError('START_FAILED', 'its container has no address of its own on the network of the lab', {
      where: node,
      hint: 'lab destroy, then lab up, makes it anew',
    })
  }
  const moved = Object.fromEntries(
    await Promise.all(
      Object.entries(bindings).map(async ([port, hosts]) => [port, await Promise.all(hosts.map(nextFree))] as const),
    ),
  )
  // The image carries the container's labels, so that destroying the lab finds it.
  const committed = (await container.commit({ pause: false })) as { readonly Id: string }
  await container.remove({ force: true })
  await engine.createContainer({
    ...Config,
    name,
    Image: committed.Id,
    HostConfig: { ...HostConfig, PortBindings: moved },
    NetworkingConfig: { EndpointsConfig: { [lab.id]: { IPAMConfig: { IPv4Address: address } } } },
  })
}

/** The binding with the first host port after its own that nothing listens on; one the engine chooses stays so. */
async function nextFree(binding: Binding): Promise<Binding> {
  const port = Number(binding.HostPort ?? '')
  if (!(port > 0)) return binding
  // The engine may refuse a port that nothing listens on: one it has promised to a container already.
  return { ...binding, HostPort: String(await nextFreePort(port, new Set([port]))) }
}

function fixedAddress(endpoint: { readonly IPAMConfig?: unknown } | undefined): string | undefined {
  return (endpoint?.IPAMConfig as { readonly IPv4Address?: string } | null | undefined)?.IPv4Address
}
