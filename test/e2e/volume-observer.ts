import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { NODE_PATHS } from '../../src/model/names.ts'
import { waitFor } from '../../src/model/wait.ts'
import { VOLUME_PATHS } from '../../src/volumes/node-scripts.ts'
import type { Sampled } from './witness-records.ts'

/** A stretch of time, in seconds since 1970, in which a node was seen to have the right and the means to write. */
export interface Hold {
  readonly node: string
  readonly from: number
  to: number
}

/** What was seen of one volume. */
export interface Observed {
  /** Samples in which some node could write, or tasks had the volume. */
  samples: number
  /** Longest time between two looks at a node whose watcher was running. */
  longestGapMs: number
  readonly holds: Hold[]
  /** Moments at which containers of more than one had the volume on one node. */
  readonly shared: string[]
  /** Last records of the volume as they were seen, for volumes of the witness. */
  readonly records: Sampled[]
}

/**
 * Looks every 200 ms, inside the node and without its network: one line a volume with when (one clock for all nodes, which
 * are containers of one host), whether it is served, writable and leased, how many containers have it, its last record.
 */
const WATCH = String.raw`set -u
export LC_ALL=C
exec 3<> <(:)
while :; do
  now=$EPOCHREALTIME
  for path in ${NODE_PATHS.pool}/live/* ${NODE_PATHS.served}/*; do
    volume=$(basename "$path")
    case " $volume " in ' * '|*[!a-z0-9\ -]*) continue ;; esac
    case $path in ${NODE_PATHS.served}/*) [ ! -e "${NODE_PATHS.pool}/live/$volume" ] || continue ;; esac
    served=no lease=0 last='- -'
    mountpoint -q "${NODE_PATHS.served}/$volume" && served=yes
    state=$(${VOLUME_PATHS.driver} state "$volume")
    [ ! -s ${VOLUME_PATHS.leases}/"$volume" ] || read -r lease <${VOLUME_PATHS.leases}/"$volume"
    # Containers are their cgroups: one that starts or runs a check has more mount namespaces for a moment, and has
    # at first what the node has, at the node's own paths.
    containers=$(awk -v volume="$volume" '
      $5 !~ "^/(run|var/lib)/(lab|docker)/" && ($4 ~ ("/live/" volume "$") || $(NF - 1) == "lab/live/" volume) {
        split(FILENAME, f, "/"); print f[3]
      }
    ' /proc/[0-9]*/mountinfo 2>/dev/null |
      while read -r pid; do grep -oE 'docker[-/][0-9a-f]{64}' "/proc/$pid/cgroup"; done 2>/dev/null | sort -u | wc -l)
    records=${NODE_PATHS.pool}/live/$volume/records
    [ ! -s "$records" ] || last=$(tail -n 1 "$records")
    echo "$now $volume $served $state $lease $containers $last"
  done
  echo "$now"
  read -rt 0.2 -u 3
done`

/** A node may be down for as long as a test likes. */
const FOR_EVER_MS = 24 * 3_600_000

async function isRunning(container: string): Promise<true | undefined> {
  const { stdout } = await execa('docker', ['inspect', '-f', '{{.State.Running}}', container], { reject: false })
  return stdout === 'true' ? true : undefined
}

/** Watches all volumes on all nodes until it is stopped, through their ends, pauses and cuts. */
export class VolumeObserver {
  readonly volumes = new Map<string, Observed>()
  readonly #watchers: Promise<void>[] = []
  readonly #processes = new Set<ChildProcess>()
  readonly #stop = new AbortController()

  /** `containers`: the host engine's name of each node's container. */
  constructor(containers: ReadonlyMap<string, string>) {
    for (const [node, container] of containers) this.#watchers.push(this.#watch(node, container))
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    for (const process of this.#processes) process.kill('SIGKILL')
    await Promise.all(this.#watchers)
  }

  of(volume: string): Observed {
    let found = this.volumes.get(volume)
    if (found === undefined) {
      found = { samples: 0, longestGapMs: 0, holds: [], shared: [], records: [] }
      this.volumes.set(volume, found)
    }
    return found
  }

  /** Times at which more than one could write, in words; none is what is promised. */
  violations(volume: string): readonly string[] {
    const { holds, shared } = this.of(volume)
    return [...overlaps(holds), ...shared]
  }

  /** One watcher after the other: it ends with its node, and the next one finds the node when it is back. */
  async #watch(node: string, container: string): Promise<void> {
    for (;;) {
      try {
        await waitFor(() => isRunning(container), { deadlineMs: FOR_EVER_MS, what: node, signal: this.#stop.signal })
      } catch (error) {
        if (this.#stop.signal.aborted) return
        throw error
      }
      const watcher = spawn('docker', ['exec', '-i', container, 'bash', '-c', WATCH], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      this.#processes.add(watcher)
      const ended = once(watcher, 'close')
      const open = new Map<string, Hold>()
      let before: number | undefined
      for await (const line of createInterface({ input: watcher.stdout })) {
        const at = Number.parseFloat(line)
        this.#take(node, line.split(' '), open)
        if (line.includes(' ')) continue
        for (const observed of this.volumes.values()) {
          if (before !== undefined) observed.longestGapMs = Math.max(observed.longestGapMs, (at - before) * 1000)
        }
        before = at
      }
      await ended
      this.#processes.delete(watcher)
    }
  }

  #take(node: string, fields: readonly string[], open: Map<string, Hold>): void {
    const [stamp = '', volume, served, state, lease, containers, number, task] = fields
    if (volume === undefined) return
    const at = Number(stamp)
    const observed = this.of(volume)
    const mayWrite = (served === 'yes' && state === 'writable') || (Number(containers) > 0 && state === 'writable')
    if (mayWrite) observed.samples++
    const hold = open.get(volume)
    if (!mayWrite) open.delete(volume)
    else if (hold !== undefined) hold.to = at
    else {
      const begun = { node, from: at, to: at }
      open.set(volume, begun)
      observed.holds.push(begun)
    }
    if (Number(containers) > 1) {
      observed.shared.push(`${stamp}: ${containers ?? ''} containers on ${node} (lease ${lease ?? ''})`)
    }
    if (number !== undefined && task !== undefined && /^\d+$/.test(number)) {
      observed.records.push({ node, number: Number(number), task, at })
    }
  }
}

/** Pure: pairs of nodes that could write at the same time. */
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
