import { NODE_PATHS } from '../../model/names.ts'
import { DIGEST, LISTING } from './digest.ts'
import { PREAMBLE, VOLUME_PATHS } from './paths.ts'
import { ASIDE, CHECK_SNAPSHOT, COPY, LIVE, VIEW, ZFS_FROZEN, ZFS_LINES, ZFS_POOL, ZFS_SINCE } from './zfs-lines.ts'

/**
 * ZFS (the module or zfs-fuse) as nodes need it without lab. A volume is a dataset with its snapshots: under `live` it
 * is mounted and written to, under `copy` it is read-only, unmounted and takes streams. A stream that breaks off leaves
 * nothing by itself; the identity of a snapshot is its guid, which sending keeps.
 */
export const ZFS_SCRIPT = String.raw`#!/bin/bash
# Volumes on ZFS: ${LIVE}/VOLUME is mounted and writable, ${COPY}/VOLUME a read-only copy. Written by lab.
${PREAMBLE}
pool=${NODE_PATHS.pool}
verb=\${1-} volume=\${2-} snapshot=\${3-}
live=${LIVE}/$volume copy=${COPY}/$volume aside=${ASIDE}/$volume.
case $verb in
  name | layout | health) ;;
  live | origin | snapshots | state | freeze | thaw | used | destroy) arguments $# 2; name "$volume" ;;
  identity | receive | discard | promote | demote | snapshot | delete | digest | listing)
    arguments $# 3; name "$volume"; name "$snapshot"
    ;;
  limit) arguments $# 3; name "$volume"; [ "$3" = - ] || number "$3" ;;
  changes) arguments $# 4; name "$volume"; [ "$3" = - ] || name "$3"; number "$4" ;;
  clone) arguments $# 4; name "$volume"; name "$snapshot"; name "$4" ;;
  send) arguments $# 4; name "$volume"; name "$snapshot"; [ "$4" = - ] || name "$4" ;;
  *) fail "unknown command: $verb" 64 ;;
esac
${DIGEST}
${LISTING}

${ZFS_LINES}

case $verb in
  name) echo zfs ;;
  layout)
    there ${LIVE} || zfs create -o mountpoint="$pool/live" -o canmount=off -o atime=off ${LIVE} || exit 1
    for each in ${COPY} ${ASIDE} ${VIEW}; do
      there "$each" || zfs create -o mountpoint=none -o canmount=off -o readonly=on "$each" || exit 1
    done
    ;;
  live) there "$live" && { mounted || patiently zfs mount "$live"; } && printf '%s\n' "$pool/live/$volume" ;;
  origin)
    mounted || exit 1
    awk -v path="$pool/live/$volume" '$5 == path { found = $3 " " $4 } END { print found }' /proc/self/mountinfo
    ;;
  snapshots)
    for each in $(datasets); do own_line "$each"; done | sort -n | awk '{ print substr($3, index($3, "@") + 1), $2 }'
    exit 0
    ;;
  identity) identity "$snapshot" ;;
  used) value referenced "$(datasets | head -n 1)" ;;
  state) if ! there "$live"; then echo absent; elif frozen; then echo frozen; else echo writable; fi ;;
  freeze) zfs set readonly=on "$live" && zfs set ${ZFS_FROZEN}=yes "$live" ;;
  thaw) settle && zfs inherit readonly "$live" && zfs inherit ${ZFS_FROZEN} "$live" ;;
  limit)
    there "$live" || fail "there is no live copy of $volume" 66
    # ZFS has no limit below what is there; what is there is the next one, and lets nobody write either.
    for attempt in {1..20}; do
      said=$(zfs set refquota="\${3/#-/none}" "$live" 2>&1) && exit 0
      case $said in *'less than current used'*) ;; *) break ;; esac
      said=$(zfs set refquota="$(value referenced "$live")" "$live" 2>&1) && exit 0
    done
    fail "$said" 70
    ;;
  snapshot)
    ! holder "$snapshot" >/dev/null || fail 'there is a snapshot of that name' 73
    zfs snapshot "$live@$snapshot" && value guid "$live@$snapshot"
    ;;
  delete)
    found=$(holder "$snapshot") || exit 0
    drop "$found" && sweep
    ;;
  promote)
    ! there "$live" || fail "there is a live copy of $volume already" 73
    found=$(holder "$snapshot") || fail "there is no snapshot $volume@$snapshot" 66
    if [ "$(line_of "$copy" 2>/dev/null | awk '{ last = $3 } END { print last }')" = "$found" ]; then
      zfs rollback "$found" && patiently zfs rename "$copy" "$live"
    else
      # Frozen until it is all there: what finds it half made makes the other half before it thaws it.
      branch "$found" "$live" -o readonly=on -o ${ZFS_FROZEN}=yes && settle
    fi && zfs inherit readonly "$live" && zfs inherit ${ZFS_FROZEN} "$live" && "$0" live "$volume" >/dev/null
    ;;
  demote)
    there "$live" || fail "there is no live copy of $volume" 66
    settle && unmounted || exit 1
    holder "$snapshot" >/dev/null || zfs snapshot "$live@$snapshot" || exit 1
    # A limit of the live copy would be one of the streams it takes.
    patiently zfs rename "$live" "$copy" && zfs inherit readonly "$copy" && zfs inherit ${ZFS_FROZEN} "$copy" &&
      zfs set refquota=none "$copy" && zfs rollback "$(line_of "$copy" | awk '{ last = $3 } END { print last }')"
    ;;
  clone)
    for each in "${LIVE}/$4" "${COPY}/$4"; do ! there "$each" || fail "there is a volume $4 already" 73; done
    found=$(holder "$snapshot") || fail "there is no snapshot $volume@$snapshot" 66
    zfs clone -o ${ZFS_SINCE}="$(value createtxg "$found")" "$found" "${LIVE}/$4"
    ;;
  changes)
    there "$live" || fail "there is no live copy of $volume" 66
    # What was written between two moments is what a stream from one to the other has.
    before=${CHECK_SNAPSHOT}-0 after=${CHECK_SNAPSHOT}-1
    mkdir -p ${VOLUME_PATHS.locks} && exec 7>${VOLUME_PATHS.locks}/check-"$volume" && flock 7 || exit 1
    clear() { for each in "$before" "$after"; do ! there "$live@$each" || patiently zfs destroy "$live@$each"; done; }
    clear || exit 1
    trap clear EXIT
    trap 'exit 1' TERM INT HUP
    zfs snapshot "$live@$before" || exit 1
    began=$(ticks)
    if [ "$3" = - ]; then bytes=$(value referenced "$live@$before"); else bytes=$("$0" send "$volume" "$before" "$3" | wc -c); fi || exit 1
    sleep "$4"
    zfs snapshot "$live@$after" || exit 1
    took=$(($(ticks) - began))
    dirty=$(zfs send -i "$live@$before" "$live@$after" | wc -c) || exit 1
    printf '%s %s %s\n' "$bytes" "$dirty" "$took"
    ;;
  send)
    found=$(holder "$snapshot") || fail "there is no snapshot $volume@$snapshot" 66
    [ "$4" != - ] || exec zfs send "$found"
    base=$(holder "$4") || fail "there is no snapshot $volume@$4" 66
    # From a base that was put aside there is no way to what came instead: it is sent whole.
    if [ "\${base%@*}" = "\${found%@*}" ] || [ "$(value origin "\${found%@*}")" = "$base" ]; then
      exec zfs send -i "$base" "$found"
    fi
    exec zfs send "$found"
    ;;
  receive)
    ! there "$live" || fail "$volume is live here: nothing may be received into it" 73
    head=$(mktemp) && trap 'rm -f "$head"' EXIT
    head -c 312 >"$head"
    ! base=$(base_of "$head") || ready_for "$base" || exit 1
    cat "$head" - | zfs receive -u "$copy@$snapshot" && identity "$snapshot"
    ;;
  discard) sweep ;;
  digest | listing)
    found=$(holder "$snapshot") || fail "there is no snapshot $volume@$snapshot" 66
    view=${VIEW}/$volume at=${NODE_PATHS.run}/view/$volume
    mkdir -p ${VOLUME_PATHS.locks} "$at" && exec 7>${VOLUME_PATHS.locks}/view-"$volume" && flock 7 || exit 1
    ! there "$view" || patiently zfs destroy "$view" || exit 1
    zfs clone -o mountpoint="$at" "$found" "$view" || exit 1
    trap 'cd / && patiently zfs destroy "$view" && rmdir "$at"' EXIT
    trap 'exit 1' TERM INT HUP
    "tree_$verb" "$at"
    ;;
  destroy)
    # What was cloned from the volume takes over the snapshots it was made from; they are not its own.
    clones() {
      local own
      own=$(datasets)
      zfs get -rHp -o name,value origin ${ZFS_POOL} | awk -F '\t' -v own="$own" '
        BEGIN { split(own, each, "\n"); for (i in each) mine[each[i]] = 1 }
        { split($2, origin, "@"); if (origin[1] in mine && !($1 in mine) && $1 !~ /@/) print $1 }'
    }
    ! there ${VIEW}/"$volume" || patiently zfs destroy ${VIEW}/"$volume" || exit 1
    if [ -n "$(clones)" ]; then
      for each in $(datasets); do
        line_of "$each" | while read -r _ _ found _; do drop "$found" || exit 1; done || exit 1
      done
      while other=$(clones | head -n 1) && [ -n "$other" ]; do zfs promote "$other" || exit 1; done
    fi
    while left=$(datasets) && [ -n "$left" ]; do
      gone=no
      for each in $left; do ! said=$(patiently zfs destroy -r "$each" 2>&1) || gone=yes; done
      [ "$gone" = yes ] || fail "$said" 70
    done
    ;;
  health)
    state=$(zpool list -H -o health ${ZFS_POOL} 2>/dev/null) || { echo mounted no; exit 0; }
    printf 'state %s\n' "$state"
    zfs get -Hp -o property,value used,available ${ZFS_POOL} | awk '
      { total += $2 } $1 == "available" { print "free", $2 } END { print "total", total }'
    zpool status ${ZFS_POOL} | awk '
      $1 == "NAME" { rows = 1; next } /^errors:/ { rows = 0 }
      rows && NF >= 5 { for (i = 3; i <= 5; i++) if ($i != "0") errors += $i + 0 > 0 ? $i + 0 : 1 }
      END { print "errors", errors + 0 }'
    ;;
esac
`.replaceAll('\\${', '${')
