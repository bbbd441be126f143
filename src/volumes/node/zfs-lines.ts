/** Name of the zpool on every node. */
export const ZFS_POOL = 'lab'
export const LIVE = `${ZFS_POOL}/live`
export const COPY = `${ZFS_POOL}/copy`
export const ASIDE = `${ZFS_POOL}/aside`
export const VIEW = `${ZFS_POOL}/view`

/** Start of the names of snapshots that are there only while it is measured how much is written. */
export const CHECK_SNAPSHOT = 'lab-check'

/** Says that a live copy is read-only. */
export const ZFS_FROZEN = 'lab:frozen'
/** Snapshots up to this transaction group are those of the volume that a clone was made of, not its own. */
export const ZFS_SINCE = 'lab:since'

/**
 * Shell functions over the datasets that a volume is.
 *
 * ZFS keeps snapshots in a line, and goes back only by deleting what is newer. To keep it, a volume that goes on from an
 * older snapshot does so as a clone that takes over the line up to there; what is newer stays in a dataset of its own,
 * `aside/VOLUME.NUMBER`. Each half of that is found and finished by whatever comes next (`settle`).
 */
export const ZFS_LINES = String.raw`there() { zfs list -H -o name "$1" >/dev/null 2>&1; }
value() { zfs get -Hp -o value "$1" "$2" 2>/dev/null; }
# Every dataset of the volume, the one it goes on from first.
datasets() {
  local each
  for each in "$live" "$copy"; do ! there "$each" || echo "$each"; done
  zfs list -H -o name -d 1 ${ASIDE} 2>/dev/null | awk -v aside="$aside" 'index($1, aside) == 1' | sort -t . -k 2n
}
# "TXG GUID DATASET@SNAPSHOT DELETED" of every snapshot of a dataset, oldest first, also of those that are no one's.
line_of() {
  zfs get -rHp -d 1 -o name,property,value createtxg,guid,defer_destroy "$1" | awk -F '\t' -v dataset="$1" '
    index($1, dataset "@") == 1 { found[$1] = 1; value[$1, $2] = $3 }
    END { for (each in found) print value[each, "createtxg"], value[each, "guid"], each, value[each, "defer_destroy"] }' |
    sort -n
}
# The same of the volume's own snapshots. One that was deleted while something is made of it is still there.
own_line() {
  local since
  since=$(value ${ZFS_SINCE} "$1")
  line_of "$1" | awk -v since="$since" '$1 > (since == "-" ? 0 : since) && $4 != "on"'
}
# DATASET@SNAPSHOT of a snapshot, wherever it is.
holder() {
  local each
  for each in $(datasets); do own_line "$each" | awk '{ print $3 }' | grep -x ".*@$1" && return 0; done
  return 1
}
identity() { local found; found=$(holder "$1") && value guid "$found"; }
# readonly does not say whether a dataset is, once it is mounted; a mark of our own does.
frozen() { [ "$(value ${ZFS_FROZEN} "$live")" = yes ]; }
# zfs-fuse lets go of a dataset some time after the last file in it was closed, and of one that was unmounted too: the
# kernel has no file system any more, and the daemon has yet to hear of it.
patiently() {
  local said until=$((SECONDS + 30))
  until said=$("$@" 2>&1); do
    if [[ $said != *busy* || $SECONDS -ge $until ]]; then printf '%s\n' "$said" >&2; return 1; fi
    sleep 0.1
  done
}
mounted() { mountpoint -q "$pool/live/$volume"; }
# Renaming what is mounted unmounts it and mounts it again when it is still busy, so that it never stops being that.
unmounted() { ! mounted || patiently zfs unmount "$live"; }
put_aside() {
  local last
  last=$(datasets | awk -v aside="$aside" 'index($1, aside) == 1 { print substr($1, length(aside) + 1) }' | tail -n 1)
  patiently zfs rename "$1" "$aside$((\${last:-0} + 1))"
}
# Gives dataset $1, a clone of one of the volume's own, the line it was made from.
take_line() {
  local origin
  while origin=$(value origin "$1") && datasets | grep -qxF "\${origin%@*}"; do zfs promote "$1" || return 1; done
}
# What has no snapshots and is not live is nothing.
sweep() {
  local each
  for each in $(datasets); do
    [ "$each" = "$live" ] || [ -n "$(line_of "$each")" ] || patiently zfs destroy "$each" || return 1
  done
}
settle() {
  if there "$live" && there "$copy"; then take_line "$live" && put_aside "$copy" && sweep; fi
}
# Makes dataset $2 go on from the snapshot $1 of the volume; $3... are its properties.
branch() {
  local from=$1 to=$2 since
  shift 2
  since=$(value ${ZFS_SINCE} "\${from%@*}")
  [ "$since" = - ] || set -- "$@" -o "${ZFS_SINCE}=$since"
  zfs clone "$@" "$from" "$to" && take_line "$to"
}
# The guid that an increment goes on from, out of the first record of a stream; 0 for a whole one.
base_of() {
  [ "$(od -An -t x8 -j 8 -N 8 "$1" | tr -d ' ')" = 00000002f5bacbac ] || return 1
  od -An -t u8 -j 48 -N 8 "$1" | tr -d ' '
}
# A snapshot that something was made of goes when that goes.
drop() {
  local said
  said=$(zfs destroy "$1" 2>&1) && return 0
  case $said in *'dependent clones'*) zfs destroy -d "$1" ;; *) printf '%s\n' "$said" >&2; return 1 ;; esac
}
# Makes the copy one that a stream with base $1 can be received into.
ready_for() {
  local base newest
  there "$copy" || return 0
  if [ "$1" = 0 ]; then put_aside "$copy"; return; fi
  newest=$(line_of "$copy" | tail -n 1)
  case $newest in *" $1 "*) return 0 ;; esac
  base=$(for each in $(datasets); do own_line "$each"; done | awk -v guid="$1" '$2 == guid { print substr($3, index($3, "@") + 1) }')
  [ -n "$base" ] || return 0
  put_aside "$copy" && branch "$(holder "$base")" "$copy" && sweep
}`.replaceAll('\\${', '${')
