import { readFile } from 'node:fs/promises'
import type Docker from 'dockerode'
import { execa } from 'execa'
import { LabError } from '../../model/errors.ts'
import type { LabIdentity } from '../../model/lab-spec.ts'
import { LABELS } from '../../model/names.ts'
import type { Progress } from '../../model/provider.ts'
import { asRoot, rootPrefix } from './host-root.ts'

const INSTANCES = 'fs.inotify.max_user_instances'
/** inotify instances one node's systemd and engine keep open (24 nodes were too many for a limit of 128). */
const PER_NODE = 6
/** And what root's other programs on this host may have. */
const BESIDES = 40
/** What the limit is raised to: room for any lab this host has the memory for. */
export const RAISED_INSTANCES = 8192

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

/** The limit of inotify instances that `nodes` nodes and those of other labs need. */
export function neededInstances(nodes: number): number {
  return nodes * PER_NODE + BESIDES
}

/** The host's limit of inotify instances a user; undefined where there is none to read. */
export async function inotifyInstances(): Promise<number | undefined> {
  const text = await readFile('/proc/sys/fs/inotify/max_user_instances', 'utf8').catch(() => '')
  return text === '' ? undefined : Number(text)
}

/**
 * Raises the limit of inotify instances where it is too low for the nodes to come: systemd fails in a node that gets
 * none. All containers count as one user. Throws `INOTIFY` with what to type where that takes a password.
 */
export async function allowWatches(engine: Docker, lab: LabIdentity, nodes: number, progress: Progress): Promise<void> {
  const limit = await inotifyInstances()
  if (limit === undefined || limit >= RAISED_INSTANCES) return
  const running = await engine.listContainers({ filters: { label: [LABELS.node] } })
  const others = running.filter(({ Labels }) => Labels[LABELS.lab] !== lab.id).length
  const needed = neededInstances(nodes + others)
  if (limit >= needed) return
  const setting = `${INSTANCES}=${String(RAISED_INSTANCES)}`
  const root = await rootPrefix()
  if (root !== undefined && (await succeeds(asRoot(root, ['sysctl', '-q', '-w', setting])))) {
    progress(`raised ${INSTANCES} of this host from ${String(limit)} to ${String(RAISED_INSTANCES)}`)
    return
  }
  throw new LabError(
    'INOTIFY',
    `${INSTANCES} is ${String(limit)}; ${String(nodes + others)} nodes need ${String(needed)}`,
    {
      where: 'this host',
      hint: `sudo sysctl -w ${setting}`,
    },
  )
}

async function succeeds([command, args]: readonly [string, readonly string[]]): Promise<boolean> {
  return (await execa(command, args, { reject: false })).exitCode === 0
}
