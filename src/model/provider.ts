import type { Connection } from './connection.ts'
import type { RemovableGarbage } from './garbage.ts'
import type { ImageCache } from './image-cache.ts'
import type { NodeSpec } from './lab-spec.ts'
import type { System } from './packages.ts'
import type { SnapshotStore } from './snapshot.ts'

/** State of a machine as its provider sees it (reachability is the connection's matter). */
export type MachineState = 'running' | 'stopped' | 'missing'

/** A node that exists, read back from labels on what was created. */
export interface Machine {
  readonly name: string
  readonly state: MachineState
  /** The node's own address on the lab's network. Fixed for its life. */
  readonly address: string
  /** Its addresses on networks of lab.yml besides the lab's own, by their names; absent where it is on none. */
  readonly networks?: Readonly<Record<string, string>>
  /** Where SSH is reached from this host. */
  readonly ssh: { readonly host: string; readonly port: number; readonly user: string } | undefined
  /**
   * Digest of the part of the spec the machine was created from; differs when a re-creation is needed. Undefined where
   * nobody can say, as long as the machine does not answer.
   */
  readonly specDigest: string | undefined
  /** Its public host key, where it has one of its own and not the one lab gave it. */
  readonly hostKey?: string | undefined
  /** Port of its SSH server as other nodes reach it; 22 when absent. */
  readonly sshPort?: number | undefined
  /** What it runs, where that may be something else than lab's own image. */
  readonly system?: System | undefined
  /** It is there and stands still: `resume` lets it go on where it was. */
  readonly paused?: boolean
}

/** What a machine may use of its host; undefined: as much as there is. */
export interface MachineLimits {
  readonly memoryBytes: number | undefined
  readonly cpus: number | undefined
}

/** Limits that change while the machine lives. */
export interface LiveLimits {
  /** What limits come to on this host: as much as there is, or more, is none. */
  effective(limits: MachineLimits): Promise<MachineLimits>
  /** Those of a machine now; undefined where it is gone. */
  read(name: string): Promise<MachineLimits | undefined>
  apply(name: string, limits: MachineLimits): Promise<void>
  /** Memory that it cannot do without now; 0 where it does not run. */
  used(name: string): Promise<number>
}

/** Who is on which network of lab.yml besides the lab's own, changed while machines live, running or not. */
export interface LiveNetworks {
  join(network: string, machine: string, address: string): Promise<void>
  leave(network: string, machine: string): Promise<void>
  /** Removes a network that no machine is on. */
  remove(network: string): Promise<void>
}

/** What a machine is given at creation. */
export interface MachineRequest {
  readonly node: NodeSpec
  readonly address: string
  /** Its addresses on further networks, by their names. */
  readonly networks?: Readonly<Record<string, string>>
  readonly hostname: string
  /** The host key it must present, so that the first connection can already check it (PEM, OpenSSH format). */
  readonly hostKey: { readonly privateKey: string; readonly publicKey: string }
  /** The lab's public key, allowed for root. */
  readonly authorizedKey: string
  readonly specDigest: string
}

/** The lab's network as it exists. */
export interface LabNetwork {
  /** CIDR of the nodes, e.g. `10.90.3.0/24`. */
  readonly subnet: string
  readonly mtu: number
  /** CIDRs of the networks of lab.yml besides this one that exist, by name; absent where there are none. */
  readonly further?: Readonly<Record<string, string>>
  /** CIDRs of every network the host routes; address pools stay clear of them. */
  hostSubnets(): Promise<readonly string[]>
}

/** Where something listens, as seen from this host: a port published on 127.0.0.1, or one of the node's own address. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** What a provider knows of a machine that runs and does not answer. */
export interface Silence {
  /** How long it has been running, in milliseconds: one that was just started may still boot. */
  readonly runningMs: number
  /** Why it cannot answer as it is, where the provider sees that: "its container is paused". */
  readonly reason?: string | undefined
  /** What to type. */
  readonly hint: string
}

/** A host that exists already. */
export interface ReachedHost {
  /** Where it is reached: `10.0.0.5:22`. */
  readonly at: string
  /** Its public key, which tells it from every other host. */
  readonly key: string
}

/** The lab that machines were set up for. */
export interface MadeAs {
  readonly id: string
  /** Directory of its lab.yml then. */
  readonly directory: string
}

/** A lab found on this host. */
export interface HostLab {
  readonly id: string
  readonly name: string
  /** Directory of its lab.yml when it was made. */
  readonly directory: string
  readonly nodes: readonly { readonly name: string; readonly state: MachineState; readonly paused: boolean }[]
  /** Where its edge is published; undefined while it is not. */
  readonly edge: Endpoint | undefined
}

/** An edge that clients may be led to. */
export interface FrontEdge {
  readonly name: string
  readonly address: string
}

/** What leads this host's port to the edges. */
export interface FrontSpec {
  /** Wished port of the loopback for port 80 of the edges; the next free one where it is taken. */
  readonly hostPort: number
  /** Other ports of the edges, open on the front's own address; as before when absent. */
  readonly ports?: readonly number[] | undefined
  readonly edges: readonly FrontEdge[]
}

/** One address for all edges of a lab, which stays when any of them goes. */
export interface Front {
  /** Makes it as it is wanted, and running; clients notice nothing while its port stays. Returns whether it was not. */
  lead(wanted: FrontSpec, signal: AbortSignal): Promise<boolean>
  /** Where a port of the edges is reached through it; undefined while it does not run or does not have the port. */
  endpoint(port: number): Promise<Endpoint | undefined>
  stop(): Promise<void>
}

/** Progress of something slow, shown while it lasts. */
export type Progress = (line: string) => void

/**
 * Where nodes come from. Truth lies in labels on what was created, never in a state file.
 * Every operation is idempotent: creating what exists or destroying what is gone is not an error.
 */
export interface Provider {
  readonly name: string
  /** Checks the host and makes images ready: downloads or builds what is missing, once. */
  prepare(progress: Progress, signal: AbortSignal): Promise<void>
  /**
   * The lab's network, created if `create` and missing; undefined when it does not exist. With `create` also those besides
   * it that nodes of lab.yml are on; none is made before all of them are known to have room on this host.
   */
  network(create: boolean): Promise<LabNetwork | undefined>
  list(): Promise<readonly Machine[]>
  /** Only machines of lab.yml are ever listed: nothing tells of one that it no longer has. */
  readonly listsSpecOnly?: true
  create(request: MachineRequest, signal: AbortSignal): Promise<void>
  start(name: string, signal: AbortSignal): Promise<void>
  stop(name: string): Promise<void>
  destroy(name: string): Promise<void>
  /** Puts host key and authorized key on a running machine again, without SSH; mends a lab whose `.lab/` was lost. */
  restoreAccess(request: MachineRequest): Promise<void>
  /** The address a machine that is to be created has already; absent where lab gives it one. */
  address?(name: string): Promise<string>
  /** Connects to a machine as root with the lab's key; absent where `ssh` of the machine is all there is to know. */
  connect?(
    name: string,
    attempt: { readonly deadlineMs: number; readonly retryWhileBooting?: boolean; readonly signal: AbortSignal },
  ): Promise<Connection>
  /** Where a program on this host reaches a node's port; undefined when it cannot without a forward. */
  endpoint(name: string, nodePort: number): Promise<Endpoint | undefined>
  /**
   * Removes network, volumes, loop devices and whatever else belongs to the lab; images only with `images`, snapshots of
   * the whole lab only with `snapshots`.
   */
  cleanUp(options: { readonly images: boolean; readonly snapshots?: boolean }): Promise<void>
  /** Power-cut, for tests and fencing: no clean shutdown. Throws `NO_POWER` where power is not lab's, as `stop` does. */
  kill(name: string): Promise<void>
  /** Power is not lab's to switch: `stop` and `kill` refuse. */
  readonly powerless?: true
  /** Limits that can be changed on machines that exist; absent where they are given at creation or start only. */
  readonly limits?: LiveLimits
  /** Absent where machines get their networks when they are made. */
  readonly networks?: LiveNetworks
  /** Every lab on this host, whatever its directory; absent where machines have no labels. */
  labs?(): Promise<readonly HostLab[]>
  /** The host that is reached as a node, whoever has it; undefined where it does not answer. Absent where lab makes machines. */
  reached?(name: string): Promise<ReachedHost | undefined>
  /** The labs that this directory's machines were set up for; absent where machines are found by their lab. */
  madeAs?(): Promise<readonly MadeAs[]>
  /** Makes a running machine stand still, with all it holds; absent where machines cannot. */
  pause?(name: string): Promise<void>
  /** Lets a paused machine go on; nothing where it is not paused. */
  resume?(name: string): Promise<void>
  /** Why a machine that runs may not answer; undefined when it is gone or stopped. Absent where nothing is known. */
  silence?(name: string): Promise<Silence | undefined>
  /** One address for all edges; absent where each is reached at its own. */
  readonly front?: Front
  /** Keeps images on this host between labs; absent where there is nothing to keep them in. */
  readonly imageCache?: ImageCache
  /**
   * Images that lab made on this host and nothing needs any more; `needed` are keys of images of apps that this lab may
   * need again, `ofAnyLab` has those of labs that are gone go as well. Absent where there is no engine.
   */
  garbage?(use: { readonly needed: ReadonlySet<string>; readonly ofAnyLab: boolean }): Promise<RemovableGarbage>
  /** Snapshots of the whole lab; absent where machines are not lab's to copy. */
  readonly snapshots?: SnapshotStore
  /** What to type instead where there are no `snapshots`: `vagrant snapshot save NAME`. */
  readonly snapshotHint?: string
}
