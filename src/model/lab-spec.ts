import type { LinkSpec } from './links.ts'
import type { SshHostSpec } from './ssh-host.ts'

/** What a node is for. Apps run on workers only. */
export const ROLES = ['manager', 'build', 'edge', 'registry', 'logs', 'worker'] as const
export type Role = (typeof ROLES)[number]

/** One node, after `count` was expanded. */
export interface NodeSpec {
  readonly name: string
  readonly roles: readonly Role[]
  /** Bytes; undefined is no limit. */
  readonly memoryBytes: number | undefined
  readonly cpus: number | undefined
  readonly vars: Readonly<Record<string, string>>
  /** Names of the groups of `lab.yml` that it is in; absent when it is in none. */
  readonly groups?: readonly string[]
  /** Networks of `lab.yml` that it is on besides the lab's own; absent when there are none. */
  readonly networks?: readonly string[]
  /** Sizes in bytes of block devices besides its own disk, by name; absent when there are none. */
  readonly disks?: Readonly<Record<string, number>>
  /** With provider `ssh`: how the host is reached. */
  readonly ssh?: SshHostSpec
}

/** A group of `lab.yml`. */
export interface GroupSpec {
  /** Names of nodes, each once. */
  readonly nodes: readonly string[]
  readonly vars: Readonly<Record<string, unknown>>
}

/** A network of `lab.yml` besides the lab's own. */
export interface NetworkSpec {
  /** CIDR, or `auto`. */
  readonly subnet: string
}

/** A `lab.yml`, checked and with every default filled in. */
export interface LabSpec {
  readonly name: string
  readonly provider: 'docker' | 'vagrant' | 'ssh'
  /** CIDR, or `auto`. */
  readonly subnet: string
  readonly nodes: readonly NodeSpec[]
  /** `port`: wished port on the host's loopback for the edge's port 80. `ports`: what the edge publishes on its node. */
  readonly edge: { readonly port: number; readonly ports: readonly PortRange[] }
  readonly volumes: { readonly driver: 'auto' | 'btrfs' | 'zfs'; readonly poolSizeBytes: number }
  readonly apps: readonly string[]
  /** Networks besides the lab's own, by name; absent when there are none. */
  readonly networks?: Readonly<Record<string, NetworkSpec>>
  /** Conditions of the network between nodes; absent when there are none. */
  readonly links?: readonly LinkSpec[]
  /** By name, in the order of the file; absent when there are none. */
  readonly groups?: Readonly<Record<string, GroupSpec>>
  readonly vars: Readonly<Record<string, unknown>>
}

/** Inclusive. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** Which lab this is, and where it lives. */
export interface LabIdentity {
  /** `<name>-<first 6 hex digits of sha256 of the directory>`: in every label and object name. */
  readonly id: string
  readonly name: string
  /** Directory of lab.yml, resolved of symlinks. */
  readonly directory: string
  /** `<directory>/.lab`, mode 0700. */
  readonly stateDirectory: string
}

/** Nodes that have a role, in the order of lab.yml. */
export function nodesWithRole(spec: Pick<LabSpec, 'nodes'>, role: Role): readonly NodeSpec[] {
  return spec.nodes.filter((node) => node.roles.includes(role))
}
