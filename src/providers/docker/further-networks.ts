import type Docker from 'dockerode'
import { engineMessage } from '../../model/engine-error.ts'
import { LabError } from '../../model/errors.ts'
import type { LabIdentity } from '../../model/lab-spec.ts'
import type { LiveNetworks } from '../../model/provider.ts'
import { unlessStatus } from './engine.ts'
import { containerName } from './machine.ts'
import { removeNetwork } from './removal.ts'

/** How the engine calls a network of lab.yml besides the lab's own. */
export function furtherName(lab: LabIdentity, network: string): string {
  return `${lab.id}-${network}`
}

/** Of a container's networks, as the engine tells of it, those besides the lab's own: addresses by name, or nothing. */
export function networksIn(
  lab: LabIdentity,
  networks: Readonly<Record<string, { readonly IPAMConfig?: unknown; readonly IPAddress: string }>>,
): { readonly networks?: Readonly<Record<string, string>> } {
  const prefix = furtherName(lab, '')
  const found = Object.entries(networks).flatMap(([name, { IPAMConfig, IPAddress }]) => {
    if (!name.startsWith(prefix)) return []
    // The one it asked for: while it does not run it has no other.
    const asked = (IPAMConfig as { readonly IPv4Address?: string } | null | undefined)?.IPv4Address
    return [[name.slice(prefix.length), asked ?? IPAddress] as const]
  })
  return found.length === 0 ? {} : { networks: Object.fromEntries(found) }
}

/** Puts a node's container on a network, running or not. Throws `NO_NETWORK` where the engine refuses. */
export async function joinNetwork(
  engine: Docker,
  lab: LabIdentity,
  network: string,
  { node, address }: { readonly node: string; readonly address: string },
): Promise<void> {
  try {
    await engine.getNetwork(furtherName(lab, network)).connect({
      Container: containerName(lab, node),
      EndpointConfig: { IPAMConfig: { IPv4Address: address } },
    })
  } catch (error) {
    throw new LabError('NO_NETWORK', `the engine does not put ${node} on ${network}: ${engineMessage(error)}`, {
      where: node,
      hint: `docker network inspect ${furtherName(lab, network)} shows who is on it, and at which address`,
      cause: error,
    })
  }
}

/** Who is on which network of the lab besides its own. */
export function liveNetworks(engine: () => Promise<Docker>, lab: LabIdentity): LiveNetworks {
  return {
    join: async (network, node, address) => joinNetwork(await engine(), lab, network, { node, address }),
    leave: async (network, node) => {
      const found = (await engine()).getNetwork(furtherName(lab, network))
      await unlessStatus(found.disconnect({ Container: containerName(lab, node), Force: true }), 404)
    },
    remove: async (network) => {
      const name = furtherName(lab, network)
      await removeNetwork(await engine(), name, name)
    },
  }
}
