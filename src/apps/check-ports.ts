import { EDGE_HEALTH_PORT, EDGE_PROTOCOL_LABEL, type EdgeRoute } from '../model/edge-route.ts'
import type { PortRange } from '../model/lab-spec.ts'
import type { ComposePort, ComposeService } from './compose-config.ts'
import type { Finding, Path } from './compose-file.ts'
import { isOnEdge, protocolLabel, publishedPort, routesOf } from './routes.ts'

/** A service that runs already, of any app. */
export interface RunningService {
  readonly app: string
  readonly service: string
  readonly routes: readonly EdgeRoute[]
}

/** What ports are judged against. */
export interface PortContext {
  readonly edgePorts: readonly PortRange[]
  /** Services of other apps. */
  readonly others: readonly RunningService[]
}

const LOOPBACK_OR_ALL = new Set(['', '0.0.0.0', '::', '127.0.0.1', '::1', 'localhost'])

/** Pure: what is wrong with the ports of one service. `written` is the list as the user wrote it, for positions. */
export function checkPorts(
  name: string,
  service: ComposeService,
  written: unknown,
  context: PortContext,
): readonly Finding[] {
  const ports = service.ports ?? []
  const list: Path = ['services', name, 'ports']
  const label = protocolLabel(service)
  const labelFinding: readonly Finding[] =
    label === undefined || label === 'http' || label === 'tcp'
      ? []
      : [
          {
            path: labelPath(name, service),
            part: 'value',
            message: `${EDGE_PROTOCOL_LABEL} is http or tcp, not "${label}"`,
          },
        ]
  return [
    ...labelFinding,
    ...ports.flatMap((port, index) => {
      const message = portProblem(port, context)
      const path: Path = Array.isArray(written) && written.length === ports.length ? [...list, index] : list
      return message === undefined ? [] : [{ path, part: 'value' as const, message }]
    }),
  ]
}

/** Pure: ports of the edge that two services of one app both ask for. */
export function checkSharedPorts(services: Readonly<Record<string, ComposeService>>): readonly Finding[] {
  const owners = new Map<number, string>()
  return Object.entries(services).flatMap(([name, service]) =>
    routesOf(service).flatMap(({ port }) => {
      const owner = owners.get(port)
      owners.set(port, owner ?? name)
      if (owner === undefined) return []
      const also = owner === name ? 'twice' : `and service ${owner} does so too`
      const message = `port ${String(port)} of the edge is asked for by ${name}${owner === name ? ' ' : ', '}${also}`
      return [{ path: ['services', name, 'ports'], part: 'value' as const, message }]
    }),
  )
}

function portProblem(port: ComposePort, context: PortContext): string | undefined {
  const target = String(port.target)
  if (!isOnEdge(port)) {
    if (!LOOPBACK_OR_ALL.has(port.host_ip ?? '')) return `Swarm cannot publish on the one address ${port.host_ip ?? ''}`
    if (port.published !== undefined && publishedPort(port) === undefined) {
      return `Swarm cannot choose from the range ${port.published}: name one port`
    }
    return undefined
  }
  if (port.published === undefined) return `name the port of the edge, as in "${suggestion(context)}:${target}"`
  const published = publishedPort(port)
  if (published === undefined) return `the edge cannot choose from the range ${port.published}: name one port`
  if (port.protocol !== undefined && port.protocol !== 'tcp') {
    return `the edge carries TCP only; for ${port.protocol} use the long form with mode: host`
  }
  if (!LOOPBACK_OR_ALL.has(port.host_ip ?? '')) {
    return `the edge does not listen on ${port.host_ip ?? ''}: leave the address out`
  }
  if (published === EDGE_HEALTH_PORT) return `port ${String(published)} of the edge is its own: choose another`
  if (!context.edgePorts.some(({ first, last }) => published >= first && published <= last)) {
    return `port ${String(published)} is not one of the edge's (${describeRanges(context.edgePorts)}): add it to edge.ports in lab.yml, then run lab up`
  }
  const other = context.others.find(({ routes }) => routes.some((route) => route.port === published))
  if (other === undefined) return undefined
  return `port ${String(published)} of the edge belongs to service ${other.service} of app ${other.app}`
}

/** As lab.yml writes them: `80, 443, 8000-8099`. */
function describeRanges(ranges: readonly PortRange[]): string {
  return ranges
    .map(({ first, last }) => (first === last ? String(first) : `${String(first)}-${String(last)}`))
    .join(', ')
}

/** A port of the edge that no other app has. */
function suggestion({ edgePorts, others }: PortContext): string {
  const taken = new Set(others.flatMap(({ routes }) => routes.map(({ port }) => port)))
  for (const { first, last } of edgePorts) {
    for (let port = first; port <= last; port++) if (!taken.has(port)) return String(port)
  }
  return '80'
}

function labelPath(name: string, service: ComposeService): Path {
  const inDeploy = service.deploy?.labels?.[EDGE_PROTOCOL_LABEL] !== undefined
  return ['services', name, ...(inDeploy ? ['deploy'] : []), 'labels', EDGE_PROTOCOL_LABEL]
}
