import { NODE_PATHS } from '../model/names.ts'
import { VOLUME_PATHS } from './node-scripts.ts'

/** A node that said nothing for longer stood still or was off meanwhile, and wrote nothing. */
const MOST_GAP_S = 3

/** A stretch of time, in seconds since 1970, in which a node was seen to have the right and the means to write. */
export interface Hold {
  readonly node: string
  readonly from: number
  to: number
}

/** What a node said of one volume at one moment. */
export interface WriterSample {
  /** Seconds since 1970, by the node's clock. */
  readonly at: number
  readonly volume: string
  /** Somebody there can write: it is served, or a container has it, and it is not read-only. */
  readonly mayWrite: boolean
  readonly lease: string
  /** Containers that have it. */
  readonly containers: number
  /** What else was printed of it. */
  readonly more: readonly string[]
}

/**
 * A bash script that says who may write, again and again, needing neither network nor engine. One line a volume: when,
 * whether it is served, writable and leased, how many containers have it, and the words `more` sets (a script that may
 * use `$volume`). After each look, a line with the time alone.
 */
export function watchScript(options: { readonly pauseMs: number; readonly more?: string }): string {
  const pauseS = (options.pauseMs / 1000).toFixed(3)
  return String.raw`set -u
export LC_ALL=C
exec 3<> <(:)
while :; do
  now=$EPOCHREALTIME
  for path in ${NODE_PATHS.pool}/live/* ${NODE_PATHS.served}/*; do
    volume=$(basename "$path")
    case " $volume " in ' * '|*[!a-z0-9\ -]*) continue ;; esac
    case $path in ${NODE_PATHS.served}/*) [ ! -e "${NODE_PATHS.pool}/live/$volume" ] || continue ;; esac
    served=no lease=0 more=
    mountpoint -q "${NODE_PATHS.served}/$volume" && served=yes
    state=$(${VOLUME_PATHS.driver} state "$volume")
    [ ! -s ${VOLUME_PATHS.leases}/"$volume" ] || read -r lease <${VOLUME_PATHS.leases}/"$volume"
    # Containers are their cgroups: one that starts or runs a check has more mount namespaces for a moment, and has
    # at first what the node has, at the node's own paths.
    # grep reads them because awk would end at a process that ends meanwhile.
    containers=$(grep -sHF "/$volume" /proc/[0-9]*/mountinfo | awk -v volume="$volume" '
      { split($0, f, "/"); sub(/^[^:]*:/, "") }
      $5 !~ "^/(run|var/lib)/(lab|docker)/" && ($4 ~ ("/live/" volume "$") || $(NF - 1) == "lab/live/" volume) {
        print f[3]
      }
    ' |
      while read -r pid; do grep -oE 'docker[-/][0-9a-f]{64}' "/proc/$pid/cgroup"; done 2>/dev/null | sort -u | wc -l)
    ${options.more ?? ':'}
    echo "$now $volume $served $state $lease $containers $more"
  done
  echo "$now"
  read -rt ${pauseS} -u 3
done`
}

/** Pure: one line of the watch; undefined for one that ends a look, or was cut short. */
export function readSample(line: string): WriterSample | undefined {
  const [stamp = '', volume, served, state, lease, containers, ...more] = line.split(' ')
  if (volume === undefined || containers === undefined) return undefined
  const count = Number(containers)
  const mayWrite = state === 'writable' && (served === 'yes' || count > 0)
  return { at: Number(stamp), volume, mayWrite, lease: lease ?? '', containers: count, more }
}

/** Pure: who held each volume when, as one node's lines say. `aheadMs`: by how much its clock is ahead of the others'. */
export function holdsOf(node: string, lines: readonly string[], aheadMs = 0): ReadonlyMap<string, readonly Hold[]> {
  const holds = new Map<string, Hold[]>()
  const open = new Map<string, Hold>()
  for (const line of lines) {
    const sample = readSample(line)
    if (sample === undefined) continue
    const at = sample.at - aheadMs / 1000
    const hold = open.get(sample.volume)
    if (!sample.mayWrite) open.delete(sample.volume)
    else if (hold !== undefined && at - hold.to <= MOST_GAP_S) hold.to = at
    else {
      const begun = { node, from: at, to: at }
      open.set(sample.volume, begun)
      holds.set(sample.volume, [...(holds.get(sample.volume) ?? []), begun])
    }
  }
  return holds
}

/** Pure: pairs of nodes that could write at the same time, in words. */
export function overlaps(holds: readonly Hold[]): readonly string[] {
  const sorted = holds.toSorted((a, b) => a.from - b.from)
  return sorted.flatMap((one, index) =>
    sorted
      .slice(index + 1)
      .filter((other) => other.node !== one.node && other.from <= one.to)
      .map(
        (other) =>
          `${other.node} could write at ${String(other.from)}, while ${one.node} could from ${String(one.from)} to ${String(one.to)}`,
      ),
  )
}

/** Pure: moments at which containers of more than one had a volume on one node, in words. */
export function sharedMoments(node: string, sample: WriterSample): readonly string[] {
  if (sample.containers < 2) return []
  return [`${String(sample.at)}: ${String(sample.containers)} containers on ${node} (lease ${sample.lease})`]
}
