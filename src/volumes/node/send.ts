import { REPLICA_PREFIX } from '../../model/volume-policy.ts'
import { BUSY, PREAMBLE, VOLUME_PATHS } from './paths.ts'

/** Name of the transient unit that sends a volume's snapshots; one a volume, so there is never a second sender. */
function sendUnit(volume: string): string {
  return `lab-volume-send-${volume}`
}

/**
 * `start VOLUME SNAPSHOT SINCE|- NODE` runs the transfer as a unit that outlives whoever asked, and follows it; `follow
 * VOLUME` prints its progress and, last, `done STATUS BYTES`; `job VOLUME` says what it is; `stop VOLUME` ends it;
 * `pace NODE` says how fast the last transfer of some size went to a node, `reach NODE` succeeds when that one answers.
 * Both ends' statuses count, and both must have seen the same number of bytes.
 */
export const SEND_SCRIPT = String.raw`#!/bin/bash
# Sends a snapshot to another node. Written by lab.
${PREAMBLE}
driver=${VOLUME_PATHS.driver}
[ $# -ge 2 ] || fail 'wrong number of arguments' 64
name "$2"
verb=$1 volume=$2
job=${VOLUME_PATHS.transfers}/$volume
unit=${sendUnit('$volume')}

active() { case $(systemctl is-active "$unit") in active | activating) ;; *) return 1 ;; esac }
# While a move copies, replicas wait: between two of its transfers too, but not for ever if it is given up.
hold() {
  local up
  case $1 in ${REPLICA_PREFIX}*) return ;; esac
  read -r up _ </proc/uptime
  mkdir -p ${VOLUME_PATHS.tending} && echo "$((\${up%.*} * 1000 + 60000))" >${VOLUME_PATHS.tending}/"$volume".held
}
# Small transfers are over before they are as fast as they could be.
keep_pace() {
  [ "$2" -ge 8388608 ] || return 0
  mkdir -p ${VOLUME_PATHS.pace}
  awk -v bytes="$2" '{ for (i = 2; i <= NF; i++) if ($i == "copied,") seconds = $(i + 1) }
    END { if (seconds > 0) print bytes, int(seconds * 1000) }' <(tr '\r' '\n' <"$job/progress") >${VOLUME_PATHS.pace}/"$1"
}
bytes() { tr '\r' '\n' <"$job/progress" 2>/dev/null | awk '/ bytes? /{n=$1} END{print n+0}'; }

# Sends snapshot $1 since $2 to node $3.
carry() {
  if [ -e ${VOLUME_PATHS.transferBeside} ]; then
    "$driver" send "$volume" "$1" "$2" 2>"$job/send" |
      ${VOLUME_PATHS.stream} send "$3" "$volume" "$1" 3>"$job/progress" >"$job/received" 2>"$job/receive"
    ends="\${PIPESTATUS[*]}"
  else
    "$driver" send "$volume" "$1" "$2" 2>"$job/send" |
      dd bs=1M status=progress 2>"$job/progress" |
      ssh -F ${VOLUME_PATHS.transferConfig} "$3" receive "$volume" "$1" >"$job/received" 2>"$job/receive"
    ends="\${PIPESTATUS[*]}"
  fi
}

case $verb in
  start)
    arguments $# 5; name "$3"; [ "$4" = - ] || name "$4"; name "$5"
    mkdir -p "$job"
    # Two that begin at one moment must not both think that nobody sends.
    exec 9>"$job/start"
    flock -w 10 9 || fail "a transfer of $volume is being started" ${String(BUSY)}
    ! active || fail "a transfer of $volume runs already: $(cat "$job/job")" ${String(BUSY)}
    hold "$3"
    rm -f "$job/result" "$job/progress"
    printf '%s %s %s\n' "$3" "$4" "$5" >"$job/job"
    systemd-run --quiet --collect --unit="$unit" --property=KillMode=control-group --property=TimeoutStopSec=15 \
      "$0" run "$volume" "$3" "$4" "$5" || fail "cannot start $unit" 70
    exec 9>&-
    exec "$0" follow "$volume"
    ;;
  run)
    arguments $# 5
    exec 9>"$job/lock"
    flock -w 10 9 || exit ${String(BUSY)}
    trap 'exit 143' TERM INT
    carry "$3" "$4" "$5"
    sent=$(bytes)
    status=0
    case $ends in *[1-9]*) status=1 ;; esac
    [ "$(awk '/^received /{print $3}' "$job/received")" = "$sent" ] || status=1
    printf 'done %s %s\n' "$status" "$sent" >"$job/result.new"
    if [ "$status" -ne 0 ]; then
      { printf 'statuses of send, carry, receive: %s\n' "$ends"; tail -n 3 "$job/send" "$job/receive"; } >>"$job/result.new"
    fi
    [ "$status" -ne 0 ] || keep_pace "$5" "$sent"
    hold "$3"
    mv "$job/result.new" "$job/result"
    exit "$status"
    ;;
  follow)
    arguments $# 2
    [ -d "$job" ] || fail "no transfer of $volume since boot" 66
    exec 9>"$job/lock"
    until [ -f "$job/result" ]; do
      if flock -w 1 9; then
        [ -f "$job/result" ] && break
        if ! active; then
          [ -f "$job/result" ] && break
          printf 'done 1 %s\n' "$(bytes)"
          echo 'the transfer was ended before it was complete'
          exit 0
        fi
        flock -u 9
        sleep 0.05
      else
        printf 'sent %s\n' "$(bytes)"
      fi
    done
    cat "$job/result"
    ;;
  reach)
    arguments $# 2
    [ "$(ssh -n -F ${VOLUME_PATHS.transferConfig} -o ConnectTimeout=3 "$2" ping)" = pong ]
    ;;
  pace)
    arguments $# 2
    cat ${VOLUME_PATHS.pace}/"$2" 2>/dev/null || true
    ;;
  job)
    arguments $# 2
    [ -f "$job/job" ] || exit 0
    if active; then state=active; else state=ended; fi
    printf '%s %s\n' "$state" "$(cat "$job/job")"
    ;;
  stop)
    arguments $# 2
    systemctl stop "$unit" 2>/dev/null
    ! active || fail "cannot stop $unit" 70
    ;;
  *) fail "unknown command: $verb" 64 ;;
esac
`.replaceAll('\\${', '${')
