import { readdir, readFile } from 'node:fs/promises'
import type Docker from 'dockerode'
import { LabError } from '../../model/errors.ts'
import type { LabIdentity } from '../../model/lab-spec.ts'
import { NODE_PATHS } from '../../model/names.ts'
import { IMAGE_LABEL } from './image-recipe.ts'
import { runOnVolumes } from './volume-shell.ts'

const SYSFS = '/sys/block'

/** A loop device of this host and the file behind it, as the kernel names it. */
export interface LoopDevice {
  readonly device: string
  readonly file: string
}

/** Detaches every loop device on a file of the volume; compared by device and inode, never by name. */
const DETACH = `
set -eu
tar -C /dev -xf /usr/lib/lab/devices.tar
for file in $(find "$1" -xdev -type f -size +1023k); do
  losetup -n -O NAME -j "$file" | while read -r device; do losetup -d "$device"; done
done`

/**
 * Frees loop devices on files of a node's volume, whose container must be gone. Loop devices belong to the whole host:
 * one that was attached without "clear yourself when unused" outlives its node. Nearly always there is none, and
 * nothing is done. Throws `LOOP_DEVICE` when they cannot be freed.
 */
export async function freeLoops(engine: Docker, lab: LabIdentity, volume: string): Promise<void> {
  const left = await lastingLoops()
  if (left.length === 0) return
  const where = left.map(({ device }) => device).join(', ')
  // Only the engine can look into its volumes, whoever runs lab: a container that has the volume and the tools.
  const [image] = await engine.listImages({ filters: { label: [`${IMAGE_LABEL}=node`] } })
  if (image === undefined) {
    throw new LabError(
      'LOOP_DEVICE',
      'loop devices may be left of a node, and no node image is there to free them with',
      {
        where,
        hint: 'losetup -l shows them; sudo losetup -d frees one',
      },
    )
  }
  const { exitCode, output } = await runOnVolumes(engine, lab, {
    image: image.Id,
    script: DETACH,
    args: [NODE_PATHS.state],
    mounts: [{ Type: 'volume', Source: volume, Target: NODE_PATHS.state, ReadOnly: true }],
  })
  if (exitCode === 0) return
  throw new LabError('LOOP_DEVICE', `loop devices of ${volume} cannot be freed: ${output.trim()}`, {
    where,
    hint: 'losetup -l shows them; sudo losetup -d frees one',
  })
}

/**
 * Loop devices of this host that do not clear themselves and may be on a node's file: named by its path in the node,
 * or, once the node's mounts are gone, by its path in the volume.
 */
export async function lastingLoops(): Promise<readonly LoopDevice[]> {
  // Without sysfs the engine runs in a virtual machine, whose loop devices nobody else uses.
  const names = (await readdir(SYSFS).catch((): string[] => [])).filter((name) => name.startsWith('loop'))
  const read = async (name: string, attribute: string) =>
    // Without a file the attributes are missing; they may also vanish at any moment.
    (await readFile(`${SYSFS}/${name}/loop/${attribute}`, 'utf8').catch(() => '')).trim()
  const devices = await Promise.all(
    names.map(async (name) => {
      const [file, clearsItself] = await Promise.all([read(name, 'backing_file'), read(name, 'autoclear')])
      const mayBeOurs = file.startsWith(`${NODE_PATHS.state}/`) || /^\/[^/]+$/.test(file)
      return mayBeOurs && clearsItself === '0' ? [{ device: `/dev/${name}`, file }] : []
    }),
  )
  return devices.flat()
}
