import { NODE_PATHS } from './names.ts'

/** Where things of disks are on a node. */
export const DISK_PATHS = {
  /** One file a disk, with what lab.yml says of it. */
  settings: `${NODE_PATHS.etc}/disks`,
  /** What users name; one a disk and one a partition. */
  devices: '/dev/lab',
  /** The same outside of /dev, for mounts that wait for no device. */
  places: `${NODE_PATHS.run}/disks`,
  script: '/usr/local/lib/lab/disk',
  generator: '/etc/systemd/system-generators/lab-disks',
} as const

/** How the files begin that the blocks of a node's disks are in: like no other on the host, which all loop devices belong to. */
export function diskFilePrefix(lab: string, node: string): string {
  return `${NODE_PATHS.state}/disk-${lab}-${node}-`
}
