import { UsageError } from './errors.ts'

/** Zone of every name the lab answers. */
export const ZONE = 'lab.local'
/** The attachable overlay that every app joins. */
export const OVERLAY = 'lab'
/** The registry's one name, valid on every node, and its port. */
export const REGISTRY_HOST = `registry.${ZONE}`
export const REGISTRY_PORT = 5000
export const REGISTRY = `${REGISTRY_HOST}:${String(REGISTRY_PORT)}`
export const REGISTRY_USER = 'lab'
export const LOGS_HOST = `logs.${ZONE}`
/** Names that services must not take: they already mean something on the lab's networks. */
export const RESERVED_NAMES: readonly string[] = ['registry', 'logs', 'edge', 'probe', 'localhost']

/** Port of a swarm's managers. */
export const SWARM_PORT = 2377
/** Port on which engines of a swarm tell each other of names and addresses. */
export const GOSSIP_PORT = 7946
/**
 * On a node's loopback, for its root alone: what its engine knows of other engines and of networks, and orders to join or
 * leave them. One above the gossip's own port.
 */
export const ENGINE_DIAGNOSTIC_PORT = 7947
/** Port of the central log. */
export const RELP_PORT = 2514

/** Name of the edge's container and of the probe's, in the engine of their node. */
export const EDGE_CONTAINER = 'lab-edge'
export const PROBE_CONTAINER = 'lab-probe'
/** Images every node of lab's own making carries: what apps are built from, and the edge. */
export const BASE_IMAGE = 'debian:trixie-slim'
export const EDGE_IMAGE = 'lab-edge:latest'

/** Where things are on a node. */
export const NODE_PATHS = {
  /** Configuration lab writes. */
  etc: '/etc/lab',
  /** What must survive a restart; on the node's own volume. */
  state: '/var/lib/lab',
  /** What must not. */
  run: '/run/lab',
  /** Mount point of the volume pool. */
  pool: '/var/lib/lab/pool',
  /** One file a volume this node may serve at boot. */
  leases: '/var/lib/lab/leases',
  /** One directory a served volume: a bind mount that exists on the owner only. On a tmpfs. */
  served: '/run/lab/volumes',
  /** Sources of apps, on the build node. */
  apps: '/var/lib/lab/apps',
  /** The socket containers log to. */
  logSocket: '/run/lab/log.sock',
  /** Central log files, one `<service>.log` a service and its older parts, on the logs node. */
  logs: '/var/log/lab',
  /** Configuration of the edge, on the edge node. */
  edge: '/etc/lab/edge',
} as const

/**
 * Labels on objects of the host's engine (containers, volumes, networks, images) and on Swarm objects (services,
 * configs). The text is a contract: truth is read back from them.
 */
export const LABELS = {
  lab: 'lab.id',
  labName: 'lab.name',
  directory: 'lab.directory',
  node: 'lab.node',
  specDigest: 'lab.spec',
  subnet: 'lab.subnet',
  address: 'lab.address',
  /** Name in lab.yml of a network besides the lab's own. */
  network: 'lab.network',
  app: 'lab.app',
  service: 'lab.service',
  /** Replicas as set by `lab scale`, and the file's own value they override. */
  scaled: 'lab.scaled',
  fileReplicas: 'lab.replicas',
  /** JSON of the edge routes of a service. */
  routes: 'lab.routes',
  /** Name of the volume a service uses. */
  volume: 'lab.volume',
  /** On swarm nodes: drained by `lab node drain`, and to stay so until `lab node activate`. */
  drained: 'lab.drained',
  /** Digest of everything that was deployed; equal means nothing to do. */
  deployed: 'lab.deployed',
  /** JSON of where a service's image came from: the registry may lose it. */
  image: 'lab.image',
  /** Name of the whole-lab snapshot that something belongs to. */
  snapshot: 'lab.snapshot',
  /** JSON of a whole-lab snapshot, on what is made last of it. */
  manifest: 'lab.snapshot.manifest',
  /** Name of the whole-lab snapshot that is being put back: on copies that wait for that, and while nodes are missing. */
  staged: 'lab.staged',
  restoring: 'lab.restoring',
  /** On what leads this host's port to the edges: the port that was wished. */
  front: 'lab.front',
  /** On containers that lab reaches volumes through, gone when the command ends. */
  helper: 'lab.helper',
} as const

/** Label on the swarm node that owns a volume; its value is `here`. */
export function volumeLabel(volume: string): string {
  return `lab.volume.${volume}`
}

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** True for a name of a lab, node, app, service or volume: a DNS label in lower case, at most 63 characters. */
export function isName(text: string): boolean {
  return NAME.test(text)
}

/** Returns the name, or throws a `UsageError` saying what a name may look like. */
export function checkName(kind: string, text: string): string {
  if (isName(text)) return text
  throw new UsageError(`"${text}" is not a ${kind} name: use a-z, 0-9 and -, at most 63 characters, no - at the ends`)
}

/** The known word nearest to what was typed, if one is near enough to suggest (Levenshtein distance). */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(typed.length / 3)) + 1
  for (const word of known) {
    const distance = editDistance(typed.toLowerCase(), word.toLowerCase())
    if (distance < bestDistance) {
      best = word
      bestDistance = distance
    }
  }
  return best
}

/** `unknown node "nod3"; did you mean "node3"?` with everything known listed when nothing is near. */
export function unknownName(kind: string, typed: string, known: readonly string[]): UsageError {
  const near = nearest(typed, known)
  const list = known.length === 0 ? `there is no ${kind} here` : `known: ${known.join(', ')}`
  return new UsageError(
    `unknown ${kind} "${typed}"`,
    {
      hint: near === undefined ? list : `did you mean "${near}"?`,
    },
    'UNKNOWN_NAME',
  )
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}
