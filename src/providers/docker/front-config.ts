import { EDGE_HEALTH, EDGE_HEALTH_PORT, FRONT_PORT } from '../../model/edge-route.ts'
import type { FrontEdge } from '../../model/provider.ts'

/**
 * Pure: the front's whole configuration. It passes bytes on, so that whatever the edges speak goes through it. A new
 * connection that an edge does not take goes to the next one, so none is lost before a dead edge is known to be dead; an
 * edge that reaches tasks goes before one that only lives; and where none seems to live, each is tried.
 */
export function renderFront(ports: readonly number[], edges: readonly FrontEdge[]): string {
  const binds = [...new Set([FRONT_PORT, ...ports])].sort((a, b) => a - b).map((port) => `  bind :${String(port)}`)
  const sorted = [...edges].sort((a, b) => (a.name < b.name ? -1 : 1))
  const servers = sorted.map(({ name, address }) => `  server ${name} ${address}`)
  // Of one edge there is nothing to choose, and nobody has to look after it twice a second.
  const checked = servers.length < 2 ? [] : Object.entries(EDGE_HEALTH).reverse()
  return [
    GLOBAL,
    'frontend lab',
    ...binds,
    ...checked.map(([name]) => `  use_backend ${name} if { nbsrv(${name}) gt 0 }`),
    '  default_backend any',
    ...checked.flatMap(([name, path]) => [
      '',
      `backend ${name}`,
      `  option httpchk GET ${path}`,
      `  default-server check port ${String(EDGE_HEALTH_PORT)} inter 500ms fall 1 rise 1`,
      ...servers,
    ]),
    '',
    'backend any',
    ...servers,
    '',
  ].join('\n')
}

/** Pure: the ports a front of this configuration has open. */
export function frontPorts(config: string): readonly number[] {
  return [...config.matchAll(/^ {2}bind :(\d+)$/gm)].map((match) => Number(match[1]))
}

// Connections to an edge whose machine died end within 3 s: a packet that is not acknowledged, or keep-alive probes. (To
// end them when it is marked as down leaves those hanging that were being made at that moment.)
const GLOBAL = `# Written by lab: changes made here are lost.
global
  maxconn 4000
  nbthread 1
  hard-stop-after 60s

defaults
  mode tcp
  timeout connect 500ms
  timeout check 700ms
  timeout client 1h
  timeout server 1h
  retries 3
  option redispatch 1
  balance roundrobin
  option srvtcpka
  srvtcpka-idle 1s
  srvtcpka-intvl 1s
  srvtcpka-cnt 2
  default-server tcp-ut 2s
`
