import { NODE_PATHS } from '../../model/names.ts'
import { PREAMBLE } from './paths.ts'

/** Name of the zpool on every node. */
export const ZFS_POOL = 'lab'
export const ZFS_LIVE = `${ZFS_POOL}/live`
export const ZFS_COPY = `${ZFS_POOL}/copy`

/**
 * ZFS (the module or zfs-fuse) as nodes need it without lab. A volume is one dataset with its snapshots: under `live`
 * it is mounted and written to, under `copy` it is read-only, unmounted and takes streams. A stream that breaks off
 * leaves nothing by itself; the identity of a snapshot is its guid, which sending keeps.
 */
export const ZFS_SCRIPT = String.raw`#!/bin/bash
# Volumes on ZFS: ${ZFS_LIVE}/VOLUME is mounted and writable, ${ZFS_COPY}/VOLUME a read-only copy. Written by lab.
${PREAMBLE}
pool=${NODE_PATHS.pool}
verb=\${1-} volume=\${2-} snapshot=\${3-}
live=${ZFS_LIVE}/$volume copy=${ZFS_COPY}/$volume
case $verb in
  name | layout) ;;
  live | origin | snapshots) arguments $# 2; name "$volume" ;;
  identity | receive | discard) arguments $# 3; name "$volume"; name "$snapshot" ;;
  send) arguments $# 4; name "$volume"; name "$snapshot"; [ "$4" = - ] || name "$4" ;;
  *) fail "unknown command: $verb" 64 ;;
esac

there() { zfs list -H -o name "$1" >/dev/null 2>&1; }
dataset() { if there "$live"; then echo "$live"; else echo "$copy"; fi; }
identity() { zfs get -Hp -o value guid "$1" 2>/dev/null; }
mounted() { mountpoint -q "$pool/live/$volume"; }

case $verb in
  name) echo zfs ;;
  layout)
    there ${ZFS_LIVE} || zfs create -o mountpoint="$pool/live" -o canmount=off -o atime=off ${ZFS_LIVE} || exit 1
    there ${ZFS_COPY} || zfs create -o mountpoint=none -o canmount=off -o readonly=on ${ZFS_COPY}
    ;;
  live) there "$live" && { mounted || zfs mount "$live"; } && printf '%s\n' "$pool/live/$volume" ;;
  origin)
    mounted || exit 1
    awk -v path="$pool/live/$volume" '$5 == path { found = $3 " " $4 } END { print found }' /proc/self/mountinfo
    ;;
  snapshots)
    zfs get -rHp -o name,value guid "$(dataset)" 2>/dev/null | awk -F '[@\t]' 'NF == 3 { print $2, $3 }'
    exit 0
    ;;
  identity) identity "$(dataset)@$snapshot" ;;
  send)
    from=$(dataset)
    if [ "$4" = - ]; then exec zfs send "$from@$snapshot"; fi
    exec zfs send -i "@$4" "$from@$snapshot"
    ;;
  receive)
    ! there "$live" || fail "$volume is live here: nothing may be received into it" 73
    zfs receive -u "$copy@$snapshot" && identity "$copy@$snapshot"
    ;;
  discard)
    # Only a first stream that was cut can leave something: a dataset without any snapshot.
    there "$copy" || exit 0
    zfs get -rHp -o name guid "$copy" | grep -q @ || zfs destroy "$copy"
    ;;
esac
`.replaceAll('\\${', '${')
