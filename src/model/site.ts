import { LabError } from './errors.ts'
import type { LabIdentity, LabSpec, NodeSpec, Role } from './lab-spec.ts'
import type { System } from './packages.ts'

/** A node with what was decided when it was created. */
export interface SiteNode extends NodeSpec {
  readonly address: string
  /** Its addresses on networks besides the lab's own, by their names; absent where it is on none. */
  readonly addresses?: Readonly<Record<string, string>>
  /** Port of its SSH server; 22 when absent. */
  readonly port?: number
  /** What it runs; lab's own image when absent. */
  readonly system?: System
}

/** A certificate and its key, PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly privateKey: string
}

/** What the host needs its nodes and builds to use as well. */
export interface HostEnvironment {
  /** Extra certificate authorities the host trusts (PEM bundle), when it has any beyond the distribution's. */
  readonly extraCertificates: string | undefined
  /** HTTP_PROXY and friends, as set on the host. */
  readonly proxy: Readonly<Record<string, string>>
}

/** Everything the site's playbooks are a function of. Secrets are in here: never print it. */
export interface Site {
  readonly lab: LabIdentity
  readonly spec: LabSpec
  readonly nodes: readonly SiteNode[]
  readonly network: {
    readonly subnet: string
    readonly mtu: number
    /** CIDRs of the networks of lab.yml besides it, by name; absent where there are none. */
    readonly further?: Readonly<Record<string, string>>
    /** Pool the swarm takes overlay networks from, e.g. `10.201.0.0/16`. */
    readonly overlayPool: string
    /** Subnet of the lab's overlay, inside the pool. */
    readonly overlaySubnet: string
    /** `bip` of the nested engines (docker0) and the pool of their local networks. */
    readonly bridgeAddress: string
    readonly bridgePool: string
  }
  /** VXLAN port; differs from 4789, so that it does not collide with the host's own. */
  readonly dataPathPort: number
  readonly ca: KeyPair
  readonly registry: { readonly tls: KeyPair; readonly password: string; readonly passwordHash: string }
  /** The key that nodes reach one another with to move volumes; its use is bound to one command. */
  readonly transferKey: { readonly privateKey: string; readonly publicKey: string }
  /** Public host key of each node, OpenSSH format, for `known_hosts` between nodes. */
  readonly hostKeys: Readonly<Record<string, string>>
  readonly host: HostEnvironment
  /** Names of nodes that `lab node drain` drained: no container there can join an overlay. None when absent. */
  readonly drained?: readonly string[]
  /** Names of nodes whose machines this run made: their disks have nothing of the lab yet. None when absent. */
  readonly made?: readonly string[]
}

/** Nodes of a site that have a role. */
export function siteNodes(site: Pick<Site, 'nodes'>, role: Role): readonly SiteNode[] {
  return site.nodes.filter((node) => node.roles.includes(role))
}

/** The first node with a role; `lab.yml` is checked to have one. */
export function firstNode(site: Pick<Site, 'nodes'>, role: Role): SiteNode {
  const node = siteNodes(site, role)[0]
  if (node === undefined) throw new LabError('NO_SUCH_ROLE', `no node has the role "${role}"`)
  return node
}

/** What a node runs; undefined for lab's own image. */
export function systemOf(site: Pick<Site, 'nodes'>, { name }: Pick<NodeSpec, 'name'>): System | undefined {
  return site.nodes.find((node) => node.name === name)?.system
}

/** Test for a play's `hosts`: nodes that have a role. */
export function withRole(role: Role): (node: Pick<NodeSpec, 'roles'>) => boolean {
  return (node) => node.roles.includes(role)
}

/** Address of a node on the lab's own network; empty for a name that no node has. */
export function addressOf(site: Pick<Site, 'nodes'>, name: string): string {
  return site.nodes.find((node) => node.name === name)?.address ?? ''
}
