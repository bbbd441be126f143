import { DISK_PATHS, diskFilePrefix } from '../../model/disks.ts'
import { NODE_PATHS } from '../../model/names.ts'
import { quote } from '../../shell/quote.ts'

/**
 * Pure: shell that refuses to go on while a disk of lab.yml is in use by anything but what goes with the lab: it goes too,
 * with what is on it, and a mount of it would hide that until the next boot, which a line of /etc/fstab would stop.
 */
export function refuseUsedDisks(lab: string, node: string): string {
  const prefix = diskFilePrefix(lab, node).slice(`${NODE_PATHS.state}/`.length)
  return `used=
in_use() { echo "$1" >&2; used=1; }
for entry in /sys/block/loop*/loop/backing_file; do
  read -r file 2>/dev/null <"$entry" || continue
  file=\${file##*/}
  case $file in ${quote(prefix)}*) ;; *) continue ;; esac
  disk=\${file#${quote(prefix)}} disk=\${disk%.img*}
  name=\${entry#/sys/block/} name=\${name%%/*}
  while read -r source point _; do
    case $source in /dev/$name | /dev/\${name}p[0-9]*) ;; *) continue ;; esac
    case $point in
      ${NODE_PATHS.state}/* | ${NODE_PATHS.run}/* | /var/lib/docker/*) ;;
      *) in_use "the disk $disk is mounted at $(printf '%b' "$point")" ;;
    esac
  done </proc/self/mounts
  while read -r source _; do
    case $source in /dev/$name | /dev/\${name}p[0-9]*) in_use "the disk $disk is swap" ;; esac
  done </proc/swaps
  for holder in /sys/block/$name/holders/* /sys/block/$name/\${name}p*/holders/*; do
    [ ! -e "$holder" ] || in_use "the disk $disk is held by /dev/\${holder##*/}"
  done
done
if [ -r /etc/fstab ]; then
  while read -r source point _; do
    case $source in ${DISK_PATHS.devices}/*) in_use "/etc/fstab has $source at $point, and the host would not boot without it" ;; esac
  done </etc/fstab
fi
if [ -n "$used" ]; then
  echo 'what is on these disks goes with the lab: copy what you need, umount them, take them out of /etc/fstab' >&2
  exit 1
fi`
}
