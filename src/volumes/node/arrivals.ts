import { BUSY, VOLUME_PATHS } from './paths.ts'

/** Shell function over the lock that whoever takes a stream of a volume has; the file names its process. */
export const ARRIVALS = String.raw`# Takes the lock of what arrives of volume $1. What has it ends by itself within $2 seconds, or is ended then.
end_arrival() {
  local lock=${VOLUME_PATHS.transfers}/$1.in group
  mkdir -p ${VOLUME_PATHS.transfers}
  exec 9<>"$lock"
  if ! flock -w "$2" 9; then
    group=$(ps -o pgid= -p "$(cat "$lock")" | tr -d ' ')
    [ -z "$group" ] || kill -TERM -- "-$group"
    flock -w 20 9 || fail "another transfer of $1 arrives here" ${String(BUSY)}
  fi
  printf '%s\n' "$$" >"$lock"
}`
