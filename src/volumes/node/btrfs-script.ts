import { NODE_PATHS } from '../../model/names.ts'
import { DIGEST, LISTING } from './digest.ts'
import { PREAMBLE } from './paths.ts'

/**
 * btrfs as nodes need it without lab. `identity` answers for whole snapshots only: read-only, which `btrfs receive`
 * sets last; a received one names the sender's. What a stream leaves besides the snapshot asked for is removed; what is
 * made here meanwhile, under another lock, is not.
 */
export const BTRFS_SCRIPT = String.raw`#!/bin/bash
# Volumes on btrfs: live/VOLUME is the writable subvolume, snap/VOLUME/SNAPSHOT a read-only one. Written by lab.
${PREAMBLE}
pool=${NODE_PATHS.pool}
verb=\${1-} volume=\${2-} snapshot=\${3-}
live=$pool/live/$volume snapshots=$pool/snap/$volume
case $verb in
  name | layout | health) ;;
  live | origin | snapshots | state | freeze | thaw) arguments $# 2; name "$volume" ;;
  identity | snapshot | delete | receive | discard | promote | demote | digest | listing) arguments $# 3; name "$volume"; name "$snapshot" ;;
  limit) arguments $# 3; name "$volume"; [ "$3" = - ] || number "$3" ;;
  changes) arguments $# 4; name "$volume"; [ "$3" = - ] || name "$3"; number "$4" ;;
  clone) arguments $# 4; name "$volume"; name "$snapshot"; name "$4" ;;
  send) arguments $# 4; name "$volume"; name "$snapshot"; [ "$4" = - ] || name "$4" ;;
  *) fail "unknown command: $verb" 64 ;;
esac

subvolume() { [ ! -L "$1" ] && [ "$(stat -c %i "$1" 2>/dev/null)" = 256 ]; }
identity() {
  subvolume "$1" || return 1
  btrfs subvolume show "$1" | awk '
    /^[ \t]*UUID:/ { own = $2 }
    /^[ \t]*Received UUID:/ { received = $3 }
    /^[ \t]*Flags:/ { whole = $2 == "readonly" }
    END { if (!whole) exit 1; print (received == "-" ? own : received) }'
}
made() { btrfs subvolume show "$1" | awk '/Gen at creation:/ { print $4 }'; }
# Made of the live copy: such a snapshot is read-only from its first moment, and never came in a stream.
made_here() {
  btrfs subvolume show "$1" | awk '
    /^[ \t]*Received UUID:/ { received = $3 }
    /^[ \t]*Flags:/ { whole = $2 == "readonly" }
    END { exit !(whole && received == "-") }'
}
remove() { btrfs subvolume delete "$1" >/dev/null; }
quotas() { btrfs qgroup show "$pool" >/dev/null 2>&1; }
# A writable copy of a snapshot. It would come with the limit that the volume had when the snapshot was taken.
branch() {
  btrfs subvolume snapshot "$1" "$2" >/dev/null || return 1
  if quotas; then btrfs qgroup limit none "$2"; fi
}
# The transaction in which a subvolume changed last.
generation() { btrfs subvolume find-new "$1" 9999999999999 | awk '/^transid marker/ { print $4 }'; }
# Bytes that a stream of the live copy would have of what was written since a transaction: no holes, nothing that is only
# reserved, and about what a file's name and modes take.
written() {
  btrfs subvolume find-new "$live" "$1" | awk '
    $1 == "inode" && $16 !~ /PREALLOC/ && ($10 > 0 || $16 ~ /INLINE/) { sum += $7; if (!($2 in seen)) { seen[$2] = 1; sum += 300 } }
    END { printf "%.0f\n", sum }'
}
${DIGEST}
${LISTING}

case $verb in
  name) echo btrfs ;;
  layout) install -d -m 0700 "$pool/live" "$pool/snap" ;;
  live) subvolume "$live" && printf '%s\n' "$live" ;;
  origin)
    subvolume "$live" || exit 1
    awk -v pool="$pool" -v volume="$volume" '$5 == pool { found = $3 " " ($4 == "/" ? "" : $4) "/live/" volume }
      END { if (found == "") exit 1; print found }' /proc/self/mountinfo
    ;;
  snapshots)
    for each in "$snapshots"/*; do
      found=$(identity "$each") && printf '%s %s %s\n' "$(made "$each")" "$(basename "$each")" "$found"
    done | sort -n | cut -d ' ' -f 2-
    exit 0
    ;;
  snapshot)
    subvolume "$live" || fail "there is no live copy of $volume" 66
    install -d -m 0700 "$snapshots"
    # A target that is a directory would get the snapshot inside it.
    [ ! -e "$snapshots/$snapshot" ] || fail "there is a snapshot $volume@$snapshot already" 73
    btrfs subvolume snapshot -r "$live" "$snapshots/$snapshot" >/dev/null && identity "$snapshots/$snapshot"
    ;;
  delete) ! subvolume "$snapshots/$snapshot" || remove "$snapshots/$snapshot" ;;
  identity) identity "$snapshots/$snapshot" ;;
  state)
    if ! subvolume "$live"; then echo absent
    elif [ "$(btrfs property get -ts "$live" ro)" = ro=true ]; then echo frozen
    else echo writable; fi
    ;;
  freeze) btrfs property set -ts "$live" ro true ;;
  thaw) btrfs property set -ts "$live" ro false ;;
  promote)
    # A target that is a directory would get the copy inside it.
    [ ! -e "$live" ] || fail "there is a live copy of $volume already" 73
    identity "$snapshots/$snapshot" >/dev/null || fail "there is no snapshot $volume@$snapshot" 66
    branch "$snapshots/$snapshot" "$live"
    ;;
  demote)
    subvolume "$live" || fail "there is no live copy of $volume" 66
    install -d -m 0700 "$snapshots"
    [ -e "$snapshots/$snapshot" ] || btrfs subvolume snapshot -r "$live" "$snapshots/$snapshot" >/dev/null
    identity "$snapshots/$snapshot" >/dev/null && remove "$live"
    ;;
  limit)
    subvolume "$live" || fail "there is no live copy of $volume" 66
    if [ "$3" = - ]; then
      if quotas; then btrfs qgroup limit none "$live"; fi
    else
      # Counting starts with the first limit; what is there already is counted before it holds.
      quotas || btrfs quota enable "$pool" >/dev/null || exit 1
      ! btrfs qgroup show "$pool" 2>&1 >/dev/null | grep -q inconsistent || btrfs quota rescan -w "$pool" >/dev/null
      btrfs qgroup limit "$3" "$live"
    fi
    ;;
  clone)
    [ ! -e "$pool/live/$4" ] && [ ! -e "$pool/snap/$4" ] || fail "there is a volume $4 already" 73
    identity "$snapshots/$snapshot" >/dev/null || fail "there is no snapshot $volume@$snapshot" 66
    branch "$snapshots/$snapshot" "$pool/live/$4"
    ;;
  changes)
    subvolume "$live" || fail "there is no live copy of $volume" 66
    since=0
    if [ "$snapshot" != - ]; then
      identity "$snapshots/$snapshot" >/dev/null || fail "there is no snapshot $volume@$snapshot" 66
      since=$(($(generation "$snapshots/$snapshot") + 1))
    fi
    btrfs filesystem sync "$pool" || exit 1
    now=$(generation "$live") began=$(ticks)
    bytes=$(written "$since") && sleep "$4" && btrfs filesystem sync "$pool" || exit 1
    took=$(($(ticks) - began))
    printf '%s %s %s\n' "$bytes" "$(written $((now + 1)))" "$took"
    ;;
  digest | listing)
    identity "$snapshots/$snapshot" >/dev/null || fail "there is no snapshot $volume@$snapshot" 66
    "tree_$verb" "$snapshots/$snapshot"
    ;;
  health)
    [ "$(stat -f -c %T "$pool" 2>/dev/null)" = btrfs ] || { echo mounted no; exit 0; }
    awk -v pool="$pool" '$5 == pool { for (i = 7; $i != "-"; i++); options = "," $6 "," $(i + 3) "," }
      END { print "writable", options ~ /,ro,/ ? "no" : "yes" }' /proc/self/mountinfo
    btrfs device stats "$pool" | awk '{ errors += $2 } END { print "errors", errors + 0 }'
    btrfs filesystem usage -b "$pool" 2>/dev/null | awk '
      /Device size:/ { print "total", $3 }
      /Device unallocated:/ { print "unallocated", $3 }
      /Device missing:/ { print "missing", $3 }
      /Free \(statfs, df\):/ { print "free", $4 }
      /Global reserve:/ { reserve = $3 }
      /^Metadata,/ { gsub(/[^0-9 ]/, " "); metadata += $1 - $2 }
      END { print "metadata-free", metadata - reserve }'
    ;;
  send)
    btrfs filesystem sync "$pool" || exit 1
    if [ "$4" = - ]; then exec btrfs send --quiet "$snapshots/$snapshot"; fi
    exec btrfs send --quiet -p "$snapshots/$4" "$snapshots/$snapshot"
    ;;
  receive)
    install -d -m 0700 "$snapshots"
    before=$(ls "$snapshots")
    btrfs receive --quiet --chroot -e "$snapshots"
    status=$?
    for each in $(comm -13 <(printf '%s\n' "$before") <(ls "$snapshots")); do
      ! made_here "$snapshots/$each" || continue
      if [ "$status" -ne 0 ] || [ "$each" != "$snapshot" ]; then
        remove "$snapshots/$each"
        [ "$status" -ne 0 ] || status=65
      fi
    done
    [ "$status" -eq 0 ] && identity "$snapshots/$snapshot" && sync -f "$pool" ;;
  discard)
    subvolume "$snapshots/$snapshot" || exit 0
    identity "$snapshots/$snapshot" >/dev/null || remove "$snapshots/$snapshot" ;;
esac
`.replaceAll('\\${', '${')
