import { NODE_PATHS } from '../../model/names.ts'
import { PREAMBLE } from './paths.ts'

/** Name of the zpool on every node. */
export const ZFS_POOL = 'lab'
export const ZFS_LIVE = `${ZFS_POOL}/live`
export const ZFS_COPY = `${ZFS_POOL}/copy`

/** Says that a live copy is read-only. */
export const ZFS_FROZEN = 'lab:frozen'

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
  live | origin | snapshots | state | freeze | thaw) arguments $# 2; name "$volume" ;;
  identity | snapshot | delete | receive | discard | promote | demote) arguments $# 3; name "$volume"; name "$snapshot" ;;
  send) arguments $# 4; name "$volume"; name "$snapshot"; [ "$4" = - ] || name "$4" ;;
  *) fail "unknown command: $verb" 64 ;;
esac

there() { zfs list -H -o name "$1" >/dev/null 2>&1; }
dataset() { if there "$live"; then echo "$live"; else echo "$copy"; fi; }
identity() { zfs get -Hp -o value guid "$1" 2>/dev/null; }
# readonly does not say whether a dataset is, once it is mounted; a mark of our own does.
frozen() { [ "$(zfs get -Hp -o value ${ZFS_FROZEN} "$live")" = yes ]; }
# zfs-fuse lets go of a dataset some time after the last file in it was closed.
patiently() {
  local said attempt
  for attempt in {1..20}; do
    said=$("$@" 2>&1) && return 0
    case $said in *busy*) sleep 0.25 ;; *) break ;; esac
  done
  printf '%s\n' "$said" >&2
  return 1
}
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
  snapshot)
    there "$live" || fail "there is no live copy of $volume" 66
    zfs snapshot "$live@$snapshot" && identity "$live@$snapshot"
    ;;
  delete)
    from=$(dataset)
    identity "$from@$snapshot" >/dev/null || exit 0
    zfs destroy "$from@$snapshot" || exit 1
    # Without its last snapshot a copy is nothing, and in the way of a whole stream. It is not destroyed if it has one.
    [ "$from" = "$live" ] || zfs get -rHp -o name guid "$from" | grep -q @ || zfs destroy "$from"
    ;;
  state) if ! there "$live"; then echo absent; elif frozen; then echo frozen; else echo writable; fi ;;
  freeze) zfs set readonly=on "$live" && zfs set ${ZFS_FROZEN}=yes "$live" ;;
  thaw) zfs inherit readonly "$live" && zfs inherit ${ZFS_FROZEN} "$live" ;;
  promote)
    ! there "$live" || fail "there is a live copy of $volume already" 73
    # Newer snapshots are rounds of a move that was given up; the copy goes back to the one that was asked for.
    zfs rollback -r "$copy@$snapshot" && zfs rename "$copy" "$live" &&
      zfs inherit readonly "$live" && zfs inherit ${ZFS_FROZEN} "$live" && "$0" live "$volume" >/dev/null
    ;;
  demote)
    there "$live" || fail "there is no live copy of $volume" 66
    there "$live@$snapshot" || zfs snapshot "$live@$snapshot" || exit 1
    patiently zfs rename "$live" "$copy" && zfs inherit readonly "$copy" && zfs inherit ${ZFS_FROZEN} "$copy"
    ;;
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
