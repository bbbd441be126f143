import { createHash } from 'node:crypto'
import { EDGE_HEALTH, EDGE_HEALTH_PORT, FRONT_PORT, type EdgeRoute } from '../model/edge-route.ts'
import { ZONE } from '../model/names.ts'

/** What the edge must know of one service. */
export interface EdgeService {
  readonly name: string
  /** Tasks it is to have; undefined when the number of nodes decides. */
  readonly replicas: number | undefined
  readonly routes: readonly EdgeRoute[]
}

/** Fewest places for tasks a route has, so that ordinary scaling never reloads anything. */
const MIN_SLOTS = 16

/**
 * The edge's whole configuration: a pure function of the services' routes, whatever their order. Tasks are found by
 * name at run time, so it stays the same while tasks come and go.
 */
export function renderEdge(services: readonly EdgeService[]): string {
  const routes = services
    .flatMap((service) =>
      service.routes.map((route) => ({ ...route, service: service.name, slots: slotsFor(service.replicas) })),
    )
    .sort((a, b) => a.port - b.port)
  const sections = routes.map((route) => (route.protocol === 'http' ? httpRoute(route) : tcpRoute(route)))
  if (!routes.some((route) => route.port === FRONT_PORT)) sections.unshift(EMPTY_FRONT)
  const body = [DEFAULTS, healthFrontend(routes.map(routeName)), ...sections].join('\n')
  const digest = createHash('sha256').update(HEAD).update(body).digest('hex').slice(0, 16)
  return `${HEAD}  description ${digest}\n\n${body}`
}

/** The digest a configuration carries; the running edge tells the one it was started with. */
export function edgeDigest(text: string): string | undefined {
  return /^ {2}description ([0-9a-f]{16})$/m.exec(text)?.[1]
}

/** Reads the routes of a service from its label; undefined or empty is none. */
export function readRoutes(label: string | undefined): readonly EdgeRoute[] {
  return label === undefined || label === '' ? [] : (JSON.parse(label) as readonly EdgeRoute[])
}

/** Places for tasks of one route: at least a fourth to spare, in powers of two, so that the number changes rarely. */
export function slotsFor(replicas: number | undefined): number {
  let slots = MIN_SLOTS
  while (slots < (replicas ?? 0) * 1.25) slots *= 2
  return slots
}

/** Services that want one port of the edge: all of them, for every port wanted more than once. */
export function routeConflicts(
  services: readonly EdgeService[],
): readonly { readonly port: number; readonly services: readonly string[] }[] {
  const owners = new Map<number, string[]>()
  for (const service of services) {
    for (const { port } of service.routes) owners.set(port, [...(owners.get(port) ?? []), service.name])
  }
  return [...owners].filter(([, names]) => names.length > 1).map(([port, names]) => ({ port, services: names }))
}

interface Route extends EdgeRoute {
  readonly service: string
  readonly slots: number
}

/** Where the container sees `NODE_PATHS.edge`, read-only. */
export const IN_CONTAINER = '/usr/local/etc/haproxy'

const HEAD = `# Written by lab from the routes of the deployed services: changes made here are lost.
global
  maxconn 4000
  nbthread 2
  hard-stop-after 60s
  log stdout format raw local0
  server-state-file ${IN_CONTAINER}/servers.state
`

// A node that dies takes its connections along without a word: keep-alive probes and the user timeout end those within
// 3 s, and a request that is safe to repeat goes to another task. Connections to tasks are not kept between requests,
// so that none is ever sent into a connection whose task is gone.
const DEFAULTS = `resolvers lab
  nameserver engine 127.0.0.11:53
  accepted_payload_size 8192
  resolve_retries 3
  timeout resolve 500ms
  timeout retry 500ms
  hold valid 500ms
  hold obsolete 0s
  hold nx 1s
  hold refused 30s
  hold timeout 30s
  hold other 30s

defaults
  log global
  option dontlognull
  option dontlog-normal
  load-server-state-from-file global
  timeout connect 500ms
  timeout client 1m
  timeout server 1m
  timeout queue 5s
  timeout tunnel 1h
  timeout http-request 10s
  timeout http-keep-alive 1m
  retries 3
  option redispatch 1
  balance roundrobin
  option srvtcpka
  srvtcpka-idle 1s
  srvtcpka-intvl 1s
  srvtcpka-cnt 2
  default-server resolvers lab resolve-prefer ipv4 init-addr last,none check inter 500ms fall 1 rise 1 tcp-ut 3s
`

const EMPTY_FRONT = `frontend empty
  mode http
  bind :${String(FRONT_PORT)}
  http-request return status 503 content-type text/plain string "lab: no app publishes port ${String(FRONT_PORT)} yet. Deploy one: lab deploy APP\\n"
`

/**
 * How the edge is, for whoever chooses between several. One that reaches no task of any app while there are routes is cut
 * off from the workers, or nothing runs.
 */
function healthFrontend(backends: readonly string[]): string {
  const { alive, serving } = EDGE_HEALTH
  const served = backends.map(
    (name) => `  http-request return status 200 if { path ${serving} } { nbsrv(${name}) gt 0 }`,
  )
  return [
    'frontend lab-health',
    '  mode http',
    '  no log',
    `  bind :${String(EDGE_HEALTH_PORT)}`,
    `  http-request return status 200 if { path ${alive} }`,
    ...(backends.length === 0 ? [`  http-request return status 200 if { path ${serving} }`] : served),
    '  http-request return status 503',
    '',
  ].join('\n')
}

function httpRoute(route: Route): string {
  const name = routeName(route)
  return `frontend ${name}
  mode http
  option httplog
  bind :${String(route.port)}
  default_backend ${name}
  option forwardfor

backend ${name}
  mode http
  option http-server-close
  retry-on conn-failure empty-response response-timeout
  http-request disable-l7-retry if !{ method GET HEAD OPTIONS }
  http-error status 503 content-type text/plain string "lab: ${route.service} has no healthy task right now. Look: lab status, lab logs ${route.service}\\n"
  ${serverTemplate(route)}
`
}

function tcpRoute(route: Route): string {
  const name = routeName(route)
  return `frontend ${name}
  mode tcp
  option tcplog
  bind :${String(route.port)}
  timeout client 1h
  default_backend ${name}

backend ${name}
  mode tcp
  timeout server 1h
  ${serverTemplate(route)}
`
}

function serverTemplate(route: Route): string {
  return `server-template task ${String(route.slots)} ${route.service}.${ZONE}:${String(route.target)}`
}

/** What a route is called in the edge's configuration and statistics. */
export function routeName(route: { readonly service: string; readonly port: number }): string {
  return `${route.service}-${String(route.port)}`
}
