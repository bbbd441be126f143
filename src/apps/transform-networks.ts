import { LABELS, OVERLAY, ZONE } from '../model/names.ts'
import { isOverlay, type ComposeConfig, type ComposeNetwork, type ComposeService } from './compose-config.ts'
import type { StackFile, StackInputs } from './stack-file.ts'

/** Key of the lab's overlay in a stack: what Compose calls the network of services that name none. */
const OVERLAY_KEY = 'default'

/** Pure: the networks of a stack: the lab's overlay, and those the file declares as private overlays. */
export function stackNetworks(config: ComposeConfig, { app, overlayMtu }: StackInputs): StackFile['networks'] {
  const own = Object.entries(config.networks ?? {}).filter(
    ([key, network]) => key !== 'default' && !isOverlay(network, OVERLAY),
  )
  return {
    [OVERLAY_KEY]: { external: true, name: OVERLAY },
    ...Object.fromEntries(own.map(([key, network]) => [key, privateNetwork(app, key, network, overlayMtu)])),
  }
}

function privateNetwork(app: string, key: string, network: ComposeNetwork | null, mtu: number): unknown {
  if (network?.external === true) return { external: true, name: network.name ?? key }
  const pools = network?.ipam?.config ?? []
  return {
    name: network?.name ?? `${app}_${key}`,
    driver: 'overlay',
    // Attachable like the lab's own, so that a container can be put on it to look around.
    attachable: true,
    driver_opts: { 'com.docker.network.driver.mtu': String(mtu), ...network?.driver_opts },
    ...(network?.internal === true ? { internal: true } : {}),
    ...(pools.length === 0 ? {} : { ipam: { config: pools } }),
    labels: { ...network?.labels, [LABELS.app]: app },
  }
}

/** Pure: the networks of one service, each with the service's dotted name as an alias; Swarm adds the plain one. */
export function serviceNetworks(
  name: string,
  service: ComposeService,
  config: ComposeConfig,
): Readonly<Record<string, unknown>> {
  const attached = Object.entries(service.networks ?? { [OVERLAY_KEY]: null }).map(([key, attachment]) => {
    const own = attachment?.aliases ?? []
    const aliases = [...new Set([`${name}.${ZONE}`, ...own])]
    return [isOverlay(config.networks?.[key], OVERLAY) ? OVERLAY_KEY : key, { aliases }] as const
  })
  return Object.fromEntries(attached)
}
