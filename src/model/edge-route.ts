/** What the edge does with a connection: reads HTTP (retries, keeps clients while tasks come and go), or passes bytes. */
export type EdgeProtocol = 'http' | 'tcp'

/**
 * One port of the edge that leads to a service. The routes of a service are a JSON array of these in its label
 * `LABELS.routes`, ordered by port; the edge's configuration is a function of nothing else.
 */
export interface EdgeRoute {
  /** Port of the edge. */
  readonly port: number
  /** Port inside the service's containers. */
  readonly target: number
  readonly protocol: EdgeProtocol
}

/** Port of the edges that the lab's URL leads to; it answers even when no app has taken it. */
export const FRONT_PORT = 80

/** Port of every edge on which it says how it is; apps cannot have it. */
export const EDGE_HEALTH_PORT = 7788
/** What to ask there: whether it is there at all, and whether it sends clients to any task (or has none to send to). */
export const EDGE_HEALTH = { alive: '/alive', serving: '/serving' } as const

/** Label in a Compose file (of a service or its `deploy`) that chooses the protocol of all its routes. */
export const EDGE_PROTOCOL_LABEL = 'lab.edge.protocol'
