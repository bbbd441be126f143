import type { LabSpec, NodeSpec } from '../model/lab-spec.ts'
import type { NodeEntry } from './schema.ts'
import { sshHost } from './ssh-hosts.ts'

/** What decides the names an entry of `nodes` stands for. */
export type Numbering = Pick<NodeEntry, 'name' | 'count' | 'start'>

/** Names an entry stands for: its own, or as many as `count` says, numbered from `start`. */
export function namesOf({ name, count, start }: Numbering): readonly string[] {
  if (count === undefined) return [name]
  return Array.from({ length: count }, (_, index) => `${name}${String((start ?? 1) + index)}`)
}

/** What the whole file says of every node. */
export interface ForEveryNode {
  readonly provider: LabSpec['provider']
  readonly ssh?: Parameters<typeof sshHost>[2]
  /** Where relative paths start. */
  readonly directory: string
}

/** The nodes of one entry. */
export function expandNode(entry: NodeEntry, every: ForEveryNode): readonly NodeSpec[] {
  const vars = Object.fromEntries(Object.entries(entry.vars).map(([key, value]) => [key, String(value)]))
  return namesOf(entry).map((name) => ({
    name,
    roles: entry.roles,
    memoryBytes: entry.memory,
    cpus: entry.cpus,
    vars,
    ...(entry.disks === undefined || Object.keys(entry.disks).length === 0
      ? {}
      : { disks: wholeMebibytes(entry.disks) }),
    ...(entry.networks === undefined || entry.networks.length === 0 ? {} : { networks: entry.networks }),
    ...(every.provider === 'ssh' ? { ssh: sshHost(name, entry.ssh, every.ssh, every.directory) } : {}),
  }))
}

/** What fits the blocks of any filesystem. */
function wholeMebibytes(disks: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(disks).map(([name, bytes]) => [name, bytes - (bytes % 2 ** 20)]))
}
