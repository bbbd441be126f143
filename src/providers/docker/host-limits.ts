import { readFile } from 'node:fs/promises'
import type Docker from 'dockerode'
import { LabError } from '../../model/errors.ts'
import type { LabIdentity } from '../../model/lab-spec.ts'
import { LABELS } from '../../model/names.ts'
import type { Progress } from '../../model/provider.ts'
import { asRoot, rootPrefix } from './host-root.ts'

/** A limit of this host's kernel that all labs share. */
interface HostLimit {
  readonly setting: string
  /** What labs of these sizes, together with what else runs here, may need. */
  readonly needed: (labs: readonly number[]) => number
  /** What it is raised to: room for any lab this host has the memory for. Larger where even that is too little. */
  readonly raised: number
}

const nodesOf = (labs: readonly number[]) => labs.reduce((sum, nodes) => sum + nodes, 0)
/** Each node of a lab knows the address of each other one, on the lab's network and on the overlay. */
const pairsOf = (labs: readonly number[]) => labs.reduce((sum, nodes) => sum + nodes * nodes, 0)

/**
 * What is used up first, as measured with 50 nodes, each with some room. All containers' root counts as one user; the
 * table of neighbours is one for all network namespaces, and where it is full nodes find "no route to host".
 */
const LIMITS: readonly HostLimit[] = [
  // 24 nodes were too many for 128.
  { setting: 'fs.inotify.max_user_instances', needed: (labs) => 40 + 6 * nodesOf(labs), raised: 8192 },
  { setting: 'fs.inotify.max_user_watches', needed: (labs) => 4096 + 60 * nodesOf(labs), raised: 524_288 },
  // An ordinary user of a node's image is the same user in all nodes.
  { setting: 'kernel.keys.maxkeys', needed: (labs) => 20 + 2 * nodesOf(labs), raised: 20_000 },
  { setting: 'kernel.keys.maxbytes', needed: (labs) => 2000 + 60 * nodesOf(labs), raised: 2_000_000 },
  { setting: 'kernel.pid_max', needed: (labs) => 8192 + 200 * nodesOf(labs), raised: 4_194_304 },
  // An idle node has 300 files open, and its host 70 more for it. What one process may open is no matter of many nodes.
  { setting: 'fs.file-max', needed: (labs) => 8192 + 500 * nodesOf(labs), raised: 1_048_576 },
  // The third is never exceeded; from the second on entries are thrown out early, so both have to be high enough.
  { setting: 'net.ipv4.neigh.default.gc_thresh3', needed: (labs) => 256 + 2 * pairsOf(labs), raised: 65_536 },
  { setting: 'net.ipv4.neigh.default.gc_thresh2', needed: (labs) => 128 + pairsOf(labs), raised: 32_768 },
]

/** A limit that is too low for what is wanted. */
export interface LowLimit {
  readonly setting: string
  readonly limit: number
  readonly needed: number
  readonly raised: number
}

/** Refuses engines that cannot run nodes. */
export async function checkEngine(engine: Docker): Promise<void> {
  const info = (await engine.info()) as { readonly OSType?: string; readonly SecurityOptions?: readonly string[] }
  const refuse = (message: string, hint: string) =>
    new LabError('ENGINE_UNFIT', message, { where: "this host's Docker engine", hint })
  if (info.OSType !== 'linux') throw refuse('the engine runs no Linux containers', 'switch it to Linux containers')
  if (info.SecurityOptions?.some((option) => option.includes('name=rootless')) === true) {
    throw refuse(
      'the engine is rootless: nodes need mounts, loop devices and networks of their own',
      'use an engine that runs as root: docker context use default',
    )
  }
}

/** Pure: limits that are too low for labs of these sizes. Those that cannot be read here are not this machine's. */
export function lowLimits(
  labs: readonly number[],
  limits: ReadonlyMap<string, number | undefined>,
): readonly LowLimit[] {
  return LIMITS.flatMap(({ setting, raised, needed: need }) => {
    const limit = limits.get(setting)
    const needed = need(labs)
    return limit === undefined || limit >= needed ? [] : [{ setting, limit, needed, raised: Math.max(raised, needed) }]
  })
}

/** What this host's limits are now, by setting; undefined where there is none to read. */
export async function readLimits(): Promise<ReadonlyMap<string, number | undefined>> {
  const entries = await Promise.all(
    LIMITS.map(async ({ setting }) => {
      const text = await readFile(`/proc/sys/${setting.replaceAll('.', '/')}`, 'utf8').catch(() => '')
      return [setting, text === '' ? undefined : Number(text)] as const
    }),
  )
  return new Map(entries)
}

/** Nodes of each lab of this engine that runs, and of the one to come. */
export async function labSizes(engine: Docker, lab: string, nodes: number): Promise<readonly number[]> {
  const sizes = new Map<string, number>()
  for (const { Labels } of await engine.listContainers({ filters: { label: [LABELS.node] } })) {
    const other = Labels[LABELS.lab] ?? ''
    sizes.set(other, (sizes.get(other) ?? 0) + 1)
  }
  return [...sizes.set(lab, nodes).values()]
}

/** What to type to raise limits. */
export function raiseCommand(low: readonly LowLimit[]): string {
  return ['sysctl', '-q', '-w', ...low.map(({ setting, raised }) => `${setting}=${String(raised)}`)].join(' ')
}

/**
 * Raises the limits of this host that are too low for the nodes to come: where they are met, systemd, the engine or the
 * network fails in a node, each in its own words. Throws `HOST_LIMITS` with what to type where that takes a password.
 */
export async function raiseLimits(engine: Docker, lab: LabIdentity, nodes: number, progress: Progress): Promise<void> {
  const labs = await labSizes(engine, lab.id, nodes)
  const low = lowLimits(labs, await readLimits())
  if (low.length === 0) return
  const root = await rootPrefix()
  const [command, ...args] = raiseCommand(low).split(' ')
  if (root !== undefined && command !== undefined && (await succeeds(asRoot(root, [command, ...args])))) {
    for (const { setting, limit, raised } of low)
      progress(`raised ${setting} of this host from ${String(limit)} to ${String(raised)}`)
    return
  }
  throw new LabError('HOST_LIMITS', `${describeLimits(low)}: too little for ${nodesText(labs)}`, {
    where: 'this host',
    hint: `sudo ${raiseCommand(low)}`,
  })
}

/** `a is 1 (needed: 2), b is ...` */
export function describeLimits(low: readonly LowLimit[]): string {
  return low
    .map(({ setting, limit, needed }) => `${setting} is ${String(limit)} (needed: ${String(needed)})`)
    .join(', ')
}

/** `54 nodes`, of all labs together. */
export function nodesText(labs: readonly number[]): string {
  const nodes = nodesOf(labs)
  return labs.length === 1 ? `${String(nodes)} nodes` : `${String(nodes)} nodes of ${String(labs.length)} labs`
}

async function succeeds([command, args]: readonly [string, readonly string[]]): Promise<boolean> {
  const { execa } = await import('execa')
  return (await execa(command, args, { reject: false })).exitCode === 0
}
