import { LABELS, NODE_PATHS } from '../../model/names.ts'
import { REPLICA_PREFIX, SCHEDULED_NAMES, SCHEDULES } from '../../model/volume-policy.ts'
import { ARRIVALS } from './arrivals.ts'
import { BUSY, PREAMBLE, VOLUME_PATHS } from './paths.ts'

/** Name of the unit that tends a volume, a template: one instance a volume that has orders. */
const UNIT = 'lab-volume-tend@'

/**
 * What a volume's owner does by itself, as its orders (a file) say: brings replicas up to date, takes the snapshots of
 * schedules and deletes those that are too many. It works while this node has the volume's lease, and only then.
 *
 * `orders VOLUME` takes the orders on standard input, none to end them. `run VOLUME` is the unit: `replicas` and
 * `schedule` are its two halves. `snapshot VOLUME SNAPSHOT` takes one with the hooks around it. `hold VOLUME SECONDS`
 * makes room for a move: no round begins for that long, and one that is under way is ended; `release VOLUME` takes it
 * back. `arrived VOLUME` says of a replica that is kept here how old it is; `end-arrival VOLUME` has what still arrives
 * end, within a few seconds. `status` prints a line a replica: what there is, how old, and what is wrong.
 */
export const TEND_SCRIPT = String.raw`#!/bin/bash
# Replicas and scheduled snapshots of the volumes of this node. Written by lab.
${PREAMBLE}
driver=${VOLUME_PATHS.driver} send=${VOLUME_PATHS.send} serve=${VOLUME_PATHS.serve}
leases=${VOLUME_PATHS.leases} orders=${VOLUME_PATHS.orders} tended=${VOLUME_PATHS.tended} tending=${VOLUME_PATHS.tending}
served=${NODE_PATHS.served} unit=${UNIT} units=/etc/systemd/system
[ $# -ge 1 ] || fail 'wrong number of arguments' 64
verb=$1 volume=\${2-}
[ "$verb" = status ] || name "$volume"
mkdir -p "$leases" "$orders" "$tended" "$tending"
case $verb in run | replicas | schedule | snapshot) mkdir -p "$tended/$volume" ;; esac
record=$tended/$volume

order() { [ ! -f "$orders/$volume" ] || awk -v key="$1" '$1 == key' "$orders/$volume"; }
held() { [ -s "$tending/$volume.held" ] && [ "$(cat "$tending/$volume.held")" -gt "$(ticks)" ]; }
moving() { held || "$send" job "$volume" | grep -q '^active '; }
remote() { timeout 60 ssh -n -F ${VOLUME_PATHS.transferConfig} "$@"; }

# Runs a hook in the container of the service. Where none runs, nobody writes, and there is nothing to quiesce.
hook() {
  local words=() argv=() word container
  read -r _ word <<<"$(order "$1")"
  read -r -a words <<<"$word"
  [ "\${#words[@]}" -gt 0 ] || return 0
  for word in "\${words[@]}"; do
    word=$(printf %s "$word" | base64 -d; echo x)
    argv+=("\${word%x}")
  done
  # Of all containers with the volume, the one of its service; what somebody mounted it into by hand knows no hooks.
  container=$(docker ps --quiet --filter "volume=$volume" --filter "label=${LABELS.service}=$(order service | cut -d ' ' -f 2)" \
    2>"$record/hook" | head -n 1) || return 1
  [ -n "$container" ] || return 0
  timeout --kill-after=5 30 docker exec "$container" "\${argv[@]}" </dev/null >"$record/hook" 2>&1
}

# A snapshot with the hooks around it, one at a time. The hook after it runs in any case.
take() {
  local status=0
  exec 7>"$tending/$volume.hooks"
  flock -w 120 7 || { echo 'another snapshot is being taken'; return 1; }
  if hook pre; then
    "$driver" snapshot "$volume" "$1" >/dev/null || { echo 'the snapshot failed'; status=1; }
  else
    printf 'the hook before the snapshot failed: %s\n' "$(tail -n 1 "$record/hook")"
    status=1
  fi
  hook post || { printf 'the hook after the snapshot failed: %s\n' "$(tail -n 1 "$record/hook")"; [ "$status" -ne 0 ] || status=2; }
  exec 7>&-
  return "$status"
}

${ARRIVALS}

trouble() {
  local now="$1: $2"
  [ "$(cat "$record/$1.trouble" 2>/dev/null)" = "$2" ] || printf '%s: %s\n' "$me" "$now" >&2
  put "$record/$1.trouble" "$2"
}

# One round for one node. What both have whole is the base; without one all of it is sent.
replicate() {
  local node=$1 theirs ours base new at said bytes newest age
  exec 6>"$tending/$volume.round"
  flock -n 6 || return 3
  ! moving || return 3
  if ! theirs=$(remote "$node" list "$volume" 2>"$tending/$volume.said"); then
    trouble "$node" "does not answer: $(tail -n 1 "$tending/$volume.said" | tr -d '\r')"
    return 1
  fi
  ours=$("$driver" snapshots "$volume")
  base=$(awk 'NR == FNR { has[$0] = 1; next } $0 in has { found = $1 } END { print found }' \
    <(printf '%s\n' "$theirs") <(printf '%s\n' "$ours"))
  # What another owner sent there: its name is by the clock of that one, which need not be this node's.
  if [ ! -s "$record/$node" ] && read -r newest age < <(remote "$node" arrived "$volume" 2>/dev/null); then
    put "$record/$node" "$newest $(($(date +%s) - age)) - 0"
  fi
  if [ -z "$base" ]; then
    [ -z "$theirs" ] || printf '%s: nothing of %s is the same on %s: sending all of it\n' "$me" "$volume" "$node" >&2
    # A dataset takes a whole stream only where there is none yet.
    [ "$("$driver" name)" != zfs ] || remote "$node" clear "$volume" >/dev/null 2>&1
  fi
  while new=${REPLICA_PREFIX}$(date -u +%Y%m%d-%H%M%S); "$driver" identity "$volume" "$new" >/dev/null 2>&1; do sleep 0.2; done
  at=$(date +%s)
  if ! said=$(take "$new"); then
    trouble "$node" "$said"
    "$driver" identity "$volume" "$new" >/dev/null 2>&1 || return 1
  fi
  bytes=$("$send" start "$volume" "$new" "\${base:--}" "$node" 2>"$tending/$volume.said" | tee "$tending/$volume.log" |
    awk '/^done 0 / { found = $3 } END { print found }')
  if [ -z "$bytes" ]; then
    "$driver" delete "$volume" "$new"
    ! moving || return 3
    trouble "$node" "the transfer broke off: $(tail -q -n 2 "$tending/$volume.log" "$tending/$volume.said" | tr '\r\n' '  ')"
    return 1
  fi
  put "$record/$node" "$new $at \${base:-all} $bytes"
  [ -n "$said" ] || rm -f "$record/$node.trouble"
  tidy
}

# Of the snapshots that replicas were made of, the last one of each node stays: the next round starts from it.
tidy() {
  local bases
  bases=$(order replica | while read -r _ node _; do cut -d ' ' -f 1 "$record/$node" 2>/dev/null; done)
  "$driver" snapshots "$volume" | awk '/^${REPLICA_PREFIX}/ { print $1 }' | grep -vxF -e "$bases" |
    while read -r each; do "$driver" delete "$volume" "$each"; done
}

scheduled() {
  case $1 in
    hourly) date -u +hourly-%Y%m%d-%H ;;
    daily) date -u +daily-%Y%m%d ;;
    weekly) date -u +weekly-%G-w%V ;;
    monthly) date -u +monthly-%Y%m ;;
  esac
}

# What the names of snapshots of schedules look like; others may begin alike.
declare -A named=(${SCHEDULES.map((each) => `[${each}]='${SCHEDULED_NAMES[each]}'`).join(' ')})
# Prints which of the names on its input are too many; they come in the order in which they were taken.
expired() { grep -E "\${named[$1]}" | head -n "-$2"; }

keep() {
  local kind count new said
  ! moving || return 0
  order keep | while read -r _ kind count; do
    new=$(scheduled "$kind")
    if ! "$driver" identity "$volume" "$new" >/dev/null 2>&1; then
      if said=$(take "$new"); then rm -f "$record/schedule.trouble"; else trouble schedule "$said"; fi
    fi
    "$driver" snapshots "$volume" | cut -d ' ' -f 1 | expired "$kind" "$count" |
      while read -r each; do "$driver" delete "$volume" "$each"; done
  done
}

case $verb in
  orders)
    arguments $# 2
    said=$(cat)
    link=$units/multi-user.target.wants/$unit$volume.service
    if [ -z "$said" ]; then
      rm -f "$orders/$volume" "$link"
      systemctl stop "$unit$volume" 2>/dev/null
      exit 0
    fi
    put "$orders/$volume" "$said" && mkdir -p "\${link%/*}" && ln -sfn "$units/$unit.service" "$link" || fail 'cannot write the orders' 70
    sync "$orders/$volume" "$orders" "\${link%/*}"
    [ ! -s "$leases/$volume" ] || systemctl restart --no-block "$unit$volume"
    ;;
  run)
    arguments $# 2
    # After a boot somebody else may own the volume: then its place here is not filled before a manager was asked.
    until [ ! -s "$leases/$volume" ] || mountpoint -q "$served/$volume"; do
      "$serve" confirm "$volume" "$(order node | cut -d ' ' -f 2)" || sleep 0.5
    done
    "$0" schedule "$volume" &
    "$0" replicas "$volume" &
    wait -n
    exit $?
    ;;
  replicas)
    arguments $# 2
    declare -A due
    while [ -s "$leases/$volume" ]; do
      sleep=5000
      while read -r _ node every; do
        if [ "\${due[$node]:-0}" -le "$(ticks)" ]; then
          due[$node]=$(($(ticks) + every))
          replicate "$node"
          case $? in
            1) [ "$every" -le 30000 ] || due[$node]=$(($(ticks) + 30000)) ;;
            3) due[$node]=$(($(ticks) + 1000)) ;;
          esac
          exec 6>&-
        fi
        left=$((\${due[$node]} - $(ticks)))
        [ "$left" -ge "$sleep" ] || sleep=$((left > 0 ? left : 0))
      done < <(order replica)
      sleep "$(printf '%d.%03d' $((sleep / 1000)) $((sleep % 1000)))"
    done
    ;;
  schedule)
    arguments $# 2
    while [ -s "$leases/$volume" ]; do
      keep
      sleep 5
    done
    ;;
  expired) arguments $# 4; number "$4"; expired "$3" "$4" ;;
  snapshot)
    arguments $# 3; name "$3"
    said=$(take "$3")
    status=$?
    [ "$status" -ne 1 ] || fail "$said" 70
    [ -z "$said" ] || printf '%s\n' "$said"
    ;;
  hold)
    arguments $# 3; number "$3"
    put "$tending/$volume.held" $(($(ticks) + $3 * 1000))
    case $("$send" job "$volume") in "active ${REPLICA_PREFIX}"*) "$send" stop "$volume" || exit 70 ;; esac
    exec 6>"$tending/$volume.round"
    flock -w 45 6 || fail "a round of the replicas of $volume does not end" ${String(BUSY)}
    ;;
  arrived)
    arguments $# 2
    read -r new at 2>/dev/null <${VOLUME_PATHS.arrived}/"$volume" || exit 0
    "$driver" identity "$volume" "$new" >/dev/null 2>&1 || exit 0
    printf '%s %s\n' "$new" $(($(date +%s) - at))
    ;;
  end-arrival) arguments $# 2; end_arrival "$volume" 5 ;;
  release) arguments $# 2; rm -f "$tending/$volume.held" ;;
  status)
    for file in "$orders"/*; do
      [ -f "$file" ] || continue
      volume=$(basename "$file") record=$tended/$(basename "$file")
      [ -s "$leases/$volume" ] || continue
      order replica | while read -r _ node every; do
        new=- at=- base=- bytes=0
        read -r new at base bytes 2>/dev/null <"$record/$node"
        printf 'replica %s %s %s %s %s %s %s %s\n' "$volume" "$node" "$every" "$new" \
          "$([ "$at" = - ] && echo - || echo $(($(date +%s) - at)))" "$base" "$bytes" "$(cat "$record/$node.trouble" 2>/dev/null)"
      done
      [ ! -s "$record/schedule.trouble" ] || printf 'schedule %s %s\n' "$volume" "$(cat "$record/schedule.trouble")"
    done
    ;;
  *) fail "unknown command: $verb" 64 ;;
esac
`.replaceAll('\\${', '${')
