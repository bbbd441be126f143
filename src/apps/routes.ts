import { EDGE_PROTOCOL_LABEL, type EdgeProtocol, type EdgeRoute } from '../model/edge-route.ts'
import type { ComposePort, ComposeService } from './compose-config.ts'

/** Pure: the edge's routes to a service, ordered by port: every published TCP port that is not `mode: host`. */
export function routesOf(service: ComposeService): readonly EdgeRoute[] {
  const protocol = protocolOf(service)
  const routes = (service.ports ?? []).flatMap((port) => {
    const published = publishedPort(port)
    return isOnEdge(port) && published !== undefined ? [{ port: published, target: port.target, protocol }] : []
  })
  return routes.sort((a, b) => a.port - b.port)
}

/** True for a port that the edge serves, as opposed to one published on the node itself. */
export function isOnEdge(port: ComposePort): boolean {
  return port.mode !== 'host'
}

/** The one port asked for; undefined for none and for a range to choose from. */
export function publishedPort(port: ComposePort): number | undefined {
  return /^\d+$/.test(port.published ?? '') ? Number(port.published) : undefined
}

/** What the user's label says the edge shall speak to the service; HTTP without one. */
function protocolOf(service: ComposeService): EdgeProtocol {
  return protocolLabel(service) === 'tcp' ? 'tcp' : 'http'
}

/** The label as written; undefined without one. */
export function protocolLabel(service: ComposeService): string | undefined {
  return service.deploy?.labels?.[EDGE_PROTOCOL_LABEL] ?? service.labels?.[EDGE_PROTOCOL_LABEL]
}
