import { NODE_PATHS } from '../../model/names.ts'
import { BUSY, FENCED, PREAMBLE, VOLUME_PATHS } from './paths.ts'

/**
 * Who may serve a volume on this node. A lease (file with an epoch) lets the node serve, now and at boot; a fence
 * (file with the highest epoch given up) makes every lease up to it void for ever, however late it is asked for. Whatever
 * makes a copy writable, read-only or go away is done here, under one lock a volume and with its epoch, so that a lab
 * that was stopped for an hour and goes on cannot do harm to what happened meanwhile.
 *
 * `boot` serves what has a lease, but for what has replicas: those `confirm VOLUME NODE` serves, or fences, as a manager
 * says who owns them. `grant VOLUME EPOCH SNAPSHOT|- BYTES|-` makes the live copy writable (from the snapshot, if there is
 * none) with that limit (or the one it has), writes the lease and serves. `fence VOLUME EPOCH SECONDS SNAPSHOT|-` waits until nothing uses the volume, takes
 * lease and bind mount away, makes the copy read-only and takes the snapshot, if there is something to take it of and it is
 * not there; it prints what the snapshot is known by. In use till the end: status 75 and the users. `retire VOLUME
 * EPOCH SNAPSHOT` reduces a copy that was fenced at just this epoch to a snapshot. `holders VOLUME` prints the users,
 * `state` leases, fences, digests of orders and what is served. Status 77: the epoch is not, or no more, the one to do this under.
 */
export const SERVE_SCRIPT = String.raw`#!/bin/bash
# Serves volumes on this node by their leases. Written by lab.
${PREAMBLE}
driver=${VOLUME_PATHS.driver} leases=${VOLUME_PATHS.leases} orders=${VOLUME_PATHS.orders} fences=${VOLUME_PATHS.fences} served=${NODE_PATHS.served}
[ $# -ge 1 ] || fail 'wrong number of arguments' 64
verb=$1 volume=\${2-}
[ "$verb" = boot ] || [ "$verb" = state ] || name "$volume"
mkdir -p "$leases" "$fences" "$served" ${VOLUME_PATHS.locks}

lock() { exec 8>${VOLUME_PATHS.locks}/"$volume"; flock -w 30 8 || fail "$volume is being changed by another command" ${String(BUSY)}; }
epoch() { if [ -s "$1" ]; then cat "$1"; else echo 0; fi; }

serve() {
  local live
  mountpoint -q "$served/$1" && return 0
  live=$("$driver" live "$1") || { printf '%s: the data of %s is not here\n' "$me" "$1" >&2; return 1; }
  mkdir -p "$served/$1" && mount --bind "$live" "$served/$1"
}

# Where the live copy is and what it is a mount of, for those who look for its users. No origin: there is none.
locate() {
  origin=$("$driver" origin "$volume") || { origin=; return; }
  live=$("$driver" live "$volume")
  device=$(stat -c %d "$live")
  own=$(stat -L -c %i /proc/self/ns/mnt)
}

# One line a use: "mount PID COMMAND PATH" for a mount of the volume in another mount namespace, "local 0 - PATH" for
# one in this node's own (the engine makes it for a running container). awk would end at a process that ends meanwhile;
# stat and grep do not.
mounts() {
  [ -n "$origin" ] || return 0
  { stat -L -c 'space %i %n' /proc/[0-9]*/ns/mnt; grep -sHF " \${origin%% *} " /proc/[0-9]*/mountinfo; } 2>/dev/null |
    awk -v origin="$origin" -v live="$live" -v served="$served/$volume" -v own="$own" '
      BEGIN { split(origin, o, " ") }
      $1 == "space" { split($3, f, "/"); space[f[3]] = $2; next }
      { split($0, f, "/"); sub(/^[^:]*:/, "") }
      $3 == o[1] && ($4 == o[2] || index($4, o[2] == "/" ? "/" : o[2] "/") == 1) {
        follows = 0
        for (i = 7; $i != "-"; i++) if ($i ~ /^(shared|master):/) follows = 1
        if (($5 == live || $5 == served) && follows) next
        use = "local 0 -"
        if (space[f[3]] != own) {
          command = "-"
          getline command <("/proc/" f[3] "/comm")
          gsub(" ", "_", command)
          use = "mount " f[3] " " command
        }
        if (!seen[use, $5]++) print use, $5
      }'
}

# "file PID COMMAND PATH" for an open file.
files() {
  [ -n "$origin" ] || return 0
  stat -L -c '%d %n' /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/fd/* 2>/dev/null |
    awk -v device="$device" '$1 == device { split($2, p, "/"); if (!seen[p[3]]++) print p[3], $2 }' |
    while read -r pid path; do
      printf 'file %s %s %s\n' "$pid" "$(tr ' ' _ <"/proc/$pid/comm")" "$(readlink "$path")"
    done 2>/dev/null
}

holders() {
  local origin live device own
  locate
  mounts
  files
}

# A mount the engine left behind when it was killed: nobody uses it, and no engine will take it away.
forget_local() {
  holders | while read -r kind _ _ path; do
    case "$kind $path" in 'local /var/lib/docker/volumes/'*) umount "$path" ;; esac
  done
}

unserve() {
  if mountpoint -q "$served/$volume"; then umount "$served/$volume" 2>/dev/null || return 1; fi
  [ ! -d "$served/$volume" ] || rmdir "$served/$volume"
}

fence() {
  local deadline=$((SECONDS + $2)) leftover=$SECONDS users all origin live device own
  [ "$(epoch "$leases/$volume")" -le "$1" ] || fail "$volume is served here under a newer epoch than $1" ${String(FENCED)}
  locate
  while :; do
    # Open files are looked for last: that takes longer, and the service is down once its mounts are gone.
    users=$(mounts)
    [ -n "$users" ] || users=$(files)
    # Once the path is gone nobody new can come in; who came in just before, as a container that starts, is seen then.
    if [ -z "$users" ] && unserve; then
      users=$(holders)
      [ -n "$users" ] || break
      serve "$volume" || fail "cannot serve $volume again" 70
    fi
    ! grep -qv '^local ' <<<"$users" || leftover=$SECONDS
    [ $((SECONDS - leftover)) -lt 4 ] || { forget_local; leftover=$SECONDS; }
    [ "$SECONDS" -lt "$deadline" ] || { all=$(holders); printf '%s\n' "\${all:-$users}"; exit ${String(BUSY)}; }
    sleep 0.03
  done
  [ "$(epoch "$fences/$volume")" -ge "$1" ] || { put "$fences/$volume" "$1" && sync "$fences/$volume" "$fences"; } || fail 'cannot write the fence' 70
  rm -f "$leases/$volume" && sync "$leases" || fail 'cannot remove the lease' 70
  [ "$("$driver" state "$volume")" != writable ] || "$driver" freeze "$volume" || fail "cannot make $volume read-only" 70
}

case $verb in
  boot)
    failed=0
    for lease in "$leases"/*; do
      [ -f "$lease" ] || continue
      volume=$(basename "$lease")
      [[ $volume =~ ^[a-z0-9-]+$ ]] || continue
      if [ "$(epoch "$lease")" -le "$(epoch "$fences/$volume")" ]; then rm -f "$lease"; continue; fi
      # Whoever has a replica may have been made the owner meanwhile. The unit that tends the volume asks a manager.
      ! grep -qs '^replica ' "$orders/$volume" || continue
      serve "$volume" || failed=1
    done
    exit "$failed"
    ;;
  grant)
    arguments $# 5; number "$3"; [ "$4" = - ] || name "$4"; [ "$5" = - ] || number "$5"; lock
    [ "$3" -gt "$(epoch "$fences/$volume")" ] || fail "epoch $3 of $volume was given up here" ${String(FENCED)}
    [ "$(epoch "$leases/$volume")" -le "$3" ] || fail "epoch $3 of $volume is older than this node's lease" ${String(FENCED)}
    state=$("$driver" state "$volume")
    case $state in
      absent)
        [ "$4" != - ] || fail "the data of $volume is not here" 66
        "$driver" promote "$volume" "$4" || fail "cannot make $volume from $4" 70
        ;;
    esac
    # Not served yet, so nobody writes before the limit holds.
    [ "$5" = - ] || "$driver" limit "$volume" "$5" || fail "cannot limit $volume" 70
    [ "$state" != frozen ] || "$driver" thaw "$volume" || fail "cannot make $volume writable" 70
    [ "$(epoch "$leases/$volume")" -eq "$3" ] || put "$leases/$volume" "$3" || fail 'cannot write the lease' 70
    serve "$volume" || fail "cannot serve $volume" 70
    # Lost in a crash, a lease is missed until "lab up"; nobody need wait for the disk now.
    sync "$leases/$volume" "$leases" >/dev/null 2>&1 8>&- &
    [ ! -f "$orders/$volume" ] || systemctl start --no-block "lab-volume-tend@$volume"
    ;;
  fence)
    arguments $# 5; number "$3"; number "$4"; [ "$5" = - ] || name "$5"; lock
    fence "$3" "$4"
    if [ "$5" != - ] && [ "$("$driver" state "$volume")" != absent ]; then
      "$driver" identity "$volume" "$5" 2>/dev/null || "$driver" snapshot "$volume" "$5" || fail "cannot take $volume@$5" 70
    fi
    ;;
  retire)
    arguments $# 4; number "$3"; name "$4"; lock
    [ "$(epoch "$fences/$volume")" -eq "$3" ] && [ ! -e "$leases/$volume" ] && ! mountpoint -q "$served/$volume" ||
      fail "$volume is not fenced here at epoch $3" ${String(FENCED)}
    [ "$("$driver" state "$volume")" = absent ] || "$driver" demote "$volume" "$4" || fail "cannot demote $volume" 70
    ;;
  # Processes that ended meanwhile cannot be looked at; that is no failure.
  holders) arguments $# 2; holders || true ;;
  confirm)
    arguments $# 3; name "$3"
    answer=
    while read -r manager && [ -z "$answer" ]; do
      answer=$(ssh -n -F ${VOLUME_PATHS.transferConfig} "$manager" owner "$volume")
    done <${VOLUME_PATHS.managers}
    [ -n "$answer" ] || fail "no manager says who owns $volume" ${String(BUSY)}
    lock
    lease=$(epoch "$leases/$volume")
    [ "$lease" -gt "$(epoch "$fences/$volume")" ] || { rm -f "$leases/$volume"; exit 0; }
    if [ "\${answer% *}" = "$3" ]; then
      serve "$volume" || fail "cannot serve $volume" 70
    else
      printf '%s: %s is owned by %s by now: what is here stays, and is not served\n' "$me" "$volume" "\${answer% *}" >&2
      fence "$lease" 0
    fi
    ;;
  forget)
    arguments $# 2
    ${VOLUME_PATHS.tend} orders "$volume" </dev/null
    lock
    rm -rf "$leases/$volume" "$fences/$volume" ${VOLUME_PATHS.tended}/"$volume" ${VOLUME_PATHS.arrived}/"$volume"
    ;;
  state)
    date +'now %s'
    for file in "$leases"/*; do [ ! -f "$file" ] || printf 'lease %s %s\n' "$(basename "$file")" "$(epoch "$file")"; done
    for file in "$fences"/*; do [ ! -f "$file" ] || printf 'fence %s %s\n' "$(basename "$file")" "$(epoch "$file")"; done
    for file in "$orders"/*; do [ ! -f "$file" ] || printf 'orders %s %s\n' "$(basename "$file")" "$(sha256sum <"$file" | cut -c 1-16)"; done
    for file in "$served"/*; do ! mountpoint -q "$file" || printf 'served %s\n' "$(basename "$file")"; done
    ;;
  *) fail "unknown command: $verb" 64 ;;
esac
`.replaceAll('\\${', '${')
