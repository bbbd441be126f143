import { diskSizes } from '../facts/disk-sizes.ts'
import { DISK_PATHS } from '../model/disks.ts'
import { LabError } from '../model/errors.ts'
import type { NodeDisks, RemovedDisk } from './judge-change.ts'
import type { OpenLab } from './open-lab.ts'
import { runTask } from './task.ts'

/** In the state directory: the disks there are since the last `up`. Lost, nodes that shall have some are asked. */
export const DISKS_FILE = 'disks'
/** Longest that a disk may take to be let go of and removed. */
const REMOVE_MS = 60_000

/** The disks of nodes, as the last `up` left them; nodes that run are asked where nobody noted it. */
export async function presentDisks(open: OpenLab): Promise<NodeDisks> {
  const noted = await open.state.read(DISKS_FILE)
  if (noted !== undefined && noted !== '') return JSON.parse(noted) as NodeDisks
  const machines = await open.machines()
  const asked = open.spec.nodes.filter(
    ({ name, disks }) =>
      disks !== undefined &&
      machines.some((machine) => machine.name === name && machine.state === 'running' && machine.paused !== true),
  )
  const found = await Promise.all(
    asked.map(async ({ name }) => {
      try {
        return [name, diskSizes.parse(await (await open.connect(name)).script(diskSizes.script))] as const
      } catch (error) {
        // One that does not answer: its disks are judged by their own script.
        if (error instanceof LabError) return [name, {}] as const
        throw error
      }
    }),
  )
  return Object.fromEntries(found)
}

/** Notes the disks there are: those of lab.yml, and those that were to be left. */
export async function noteDisks({ state, spec }: OpenLab, left: readonly RemovedDisk[]): Promise<void> {
  const all: Record<string, Record<string, number>> = {}
  for (const { name, disks } of spec.nodes) if (disks !== undefined) all[name] = { ...disks }
  for (const { node, disk, sizeBytes } of left) all[node] = { ...all[node], [disk]: sizeBytes }
  const [before, now] = [await state.read(DISKS_FILE), JSON.stringify(all)]
  if (before === now || ((before ?? '') === '' && Object.keys(all).length === 0)) return
  await state.write(DISKS_FILE, now)
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
