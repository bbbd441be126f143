import { LABELS } from '../../model/names.ts'
import { REPLICA_PREFIX } from '../../model/volume-policy.ts'
import { RECORD_LABELS } from '../../model/volume-record.ts'
import { ARRIVALS } from './arrivals.ts'
import { PREAMBLE, VOLUME_PATHS } from './paths.ts'

/**
 * What the transfer key may do on a node: `receive VOLUME SNAPSHOT` (`take` for a stream that comes beside ssh), `list
 * VOLUME`, `clear VOLUME` (of replicas), `arrived VOLUME`, `owner VOLUME` (on a manager), `ping`. Words are letters,
 * digits and hyphens only, so nothing a sender says reaches a shell or leaves the pool. A stream that does not end well
 * leaves nothing; a second receive of a volume ends the first, whose sender is gone (senders hold a lock).
 */
export const RECEIVE_SCRIPT = String.raw`#!/bin/bash
# Forced command of the lab's transfer key: all that key may do here. Written by lab.
${PREAMBLE}
driver=${VOLUME_PATHS.driver}
said=$(printf '%s' "\${SSH_ORIGINAL_COMMAND-}" | tr '\n\t' '??')
case $said in *[!a-z0-9\ -]*|'') fail 'refused: not a command of the transfer key' 64 ;; esac
read -r -a words <<<"$said"

${ARRIVALS}

# The stream, from where it comes. The sender is told on file 4 where that is.
arriving() {
  local client address
  if [ "$1" = receive ]; then dd bs=1M 2>"$2"; return; fi
  read -r client _ address _ <<<"$SSH_CONNECTION"
  ${VOLUME_PATHS.stream} take "$client" "$address" 3>"$2"
}

receive() {
  local how=$1 volume=$2 snapshot=$3 counted taken bytes identity began
  began=$(date +%s)
  end_arrival "$volume" 0
  ! "$driver" identity "$volume" "$snapshot" >/dev/null 2>&1 || fail "$volume@$snapshot is here already" 73
  "$driver" discard "$volume" "$snapshot" || fail "cannot remove the remains of $volume@$snapshot" 70
  counted=$(mktemp)
  trap "'$driver' discard $volume $snapshot; rm -f '$counted'" EXIT
  trap 'exit 1' TERM INT HUP
  exec 4>&1
  arriving "$how" "$counted" | "$driver" receive "$volume" "$snapshot" >&2
  taken=$?
  bytes=$(awk '/ bytes? /{n=$1} END{print n+0}' "$counted")
  [ "$taken" -eq 0 ] || fail "the stream of $volume@$snapshot did not end well (after $bytes bytes); nothing was kept" 65
  identity=$("$driver" identity "$volume" "$snapshot") || fail "$volume@$snapshot did not arrive whole; nothing was kept" 65
  trap "rm -f '$counted'" EXIT
  # Only the newest of a replica is of use: to serve from, and as the base of the next.
  case $snapshot in
    ${REPLICA_PREFIX}*)
      clear "$volume" "$snapshot"
      mkdir -p ${VOLUME_PATHS.arrived} && put ${VOLUME_PATHS.arrived}/"$volume" "$snapshot $began" || fail 'cannot write when it arrived' 70
      ;;
  esac
  printf 'received %s %s\n' "$identity" "$bytes"
}

# Deletes the snapshots that replicas of a volume consist of, but for one.
clear() {
  "$driver" snapshots "$1" | awk -v kept="\${2-}" '/^${REPLICA_PREFIX}/ && $1 != kept { print $1 }' |
    while read -r each; do "$driver" delete "$1" "$each" >&2; done
}

# Which node owns a volume, and since which epoch: the record itself. An engine that is no manager, or has no leader, says
# nothing. A volume that is gone is owned by nobody.
owner() {
  local record
  record=$(docker config ls --quiet --filter "label=${LABELS.volume}=$1") || fail 'cannot read the record' 69
  [ -n "$record" ] || { echo '- 0'; return; }
  docker config inspect --format '{{index .Spec.Labels "${RECORD_LABELS.owner}"}} {{index .Spec.Labels "${RECORD_LABELS.epoch}"}}' "$record"
}

case "\${#words[@]} \${words[0]}" in
  '3 receive' | '3 take') name "\${words[1]}"; name "\${words[2]}"; receive "\${words[@]}" ;;
  '2 list') name "\${words[1]}"; "$driver" snapshots "\${words[1]}" ;;
  '2 arrived') name "\${words[1]}"; ${VOLUME_PATHS.tend} arrived "\${words[1]}" ;;
  '2 clear') name "\${words[1]}"; clear "\${words[1]}" ;;
  '2 owner') name "\${words[1]}"; owner "\${words[1]}" ;;
  '1 ping') echo pong ;;
  *) fail 'refused: not a command of the transfer key' 64 ;;
esac
`.replaceAll('\\${', '${')
