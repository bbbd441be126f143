import { diskSizes } from '../facts/disk-sizes.ts'
import { DISK_PATHS } from '../model/disks.ts'
import { LabError } from '../model/errors.ts'
import type { LabSpec } from '../model/lab-spec.ts'
import type { NodeDisks, RemovedDisk } from './judge-change.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** In the state directory: the disks there were after the last `up` that did all it had to. */
export const DISKS_FILE = 'disks'
/** In the state directory, while an `up` changes disks, and until one has done all it had to: what is noted may be wrong. */
const DOUBT_FILE = 'disks-in-doubt'
/** Longest that a disk may take to be let go of and removed. */
const REMOVE_MS = 60_000

/**
 * The disks of nodes, as noted. While that is in doubt, every node that runs is asked; where nobody noted anything, those
 * that shall have some.
 */
export async function presentDisks(open: OpenLab): Promise<NodeDisks> {
  const [text, inDoubt] = await Promise.all([open.state.read(DISKS_FILE), open.state.read(DOUBT_FILE)])
  const noted = text === undefined || text === '' ? undefined : (JSON.parse(text) as NodeDisks)
  if (noted !== undefined && inDoubt !== 'yes') return noted
  const machines = await open.machines()
  const asked = open.spec.nodes.filter(
    ({ name, disks }) =>
      (inDoubt === 'yes' || disks !== undefined) &&
      machines.some((machine) => machine.name === name && machine.state === 'running' && machine.paused !== true),
  )
  const found = await Promise.all(
    asked.map(async ({ name }) => {
      try {
        return [[name, diskSizes.parse(await (await open.connect(name)).script(diskSizes.script))] as const]
      } catch (error) {
        // One that does not answer: its disks are judged by their own script.
        if (error instanceof LabError) return []
        throw error
      }
    }),
  )
  return { ...noted, ...Object.fromEntries(found.flat()) }
}

/** Says that disks may change from now on, where lab.yml has others than are noted. */
export async function doubtDisks({ state, spec }: OpenLab): Promise<void> {
  const noted = await state.read(DISKS_FILE)
  if (differs(noted, disksOf(spec))) await state.write(DOUBT_FILE, 'yes')
}

/** Notes the disks there are: those of lab.yml, and those that were to be left. */
export async function noteDisks({ state, spec }: OpenLab, left: readonly RemovedDisk[]): Promise<void> {
  const all: Record<string, Readonly<Record<string, number>>> = { ...disksOf(spec) }
  for (const { node, disk, sizeBytes } of left) all[node] = { ...all[node], [disk]: sizeBytes }
  if (differs(await state.read(DISKS_FILE), all)) await state.write(DISKS_FILE, JSON.stringify(all))
  if ((await state.read(DOUBT_FILE)) === 'yes') await state.write(DOUBT_FILE, '')
}

function disksOf({ nodes }: LabSpec): NodeDisks {
  return Object.fromEntries(nodes.flatMap(({ name, disks }) => (disks === undefined ? [] : [[name, { ...disks }]])))
}

function differs(noted: string | undefined, disks: NodeDisks): boolean {
  if ((noted ?? '') === '') return Object.keys(disks).length > 0
  return noted !== JSON.stringify(disks)
}

/** Which of the disks that lab.yml no longer has may go; says so of those that stay because nobody was asked. */
export async function agreedDisks(
  open: OpenLab,
  disks: readonly RemovedDisk[],
  agree: ((disks: readonly RemovedDisk[]) => Promise<boolean>) | undefined,
): Promise<readonly RemovedDisk[]> {
  if (disks.length === 0) return []
  if (agree !== undefined) return (await agree(disks)) ? disks : []
  for (const { node, disk } of disks) {
    open.emit({
      type: 'notice',
      level: 'warning',
      message: `${node} has the disk ${disk} still, which is not in lab.yml ("lab up --yes" destroys it)`,
    })
  }
  return []
}

/** Destroys disks. Throws `DISK_IN_USE` for one that is mounted or held by something. */
export async function removeDisks(open: OpenLab, disks: readonly RemovedDisk[]): Promise<void> {
  for (const { node, disk } of disks) {
    await runTask(
      open.emit,
      `destroy the disk ${disk} of ${node}`,
      async () => {
        const argv = [DISK_PATHS.script, 'remove', disk]
        const { status, stderr } = await (await open.connect(node)).exec({ argv, timeoutMs: REMOVE_MS })
        if (status === 0) return
        throw new LabError('DISK_IN_USE', stderr.trim(), {
          where: node,
          hint: `lab ssh ${node} 'lsblk ${DISK_PATHS.devices}/${disk}', then lab up again; or write it into lab.yml again`,
        })
      },
      { node },
    )
  }
}
