import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { NODE_PATHS } from '../../src/model/names.ts'
import { waitFor } from '../../src/model/wait.ts'
import { overlaps, readSample, sharedMoments, watchScript, type Hold } from '../../src/volumes/writer-watch.ts'
import type { Sampled } from './witness-records.ts'

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

/** Looks every 200 ms; one clock for all nodes, which are containers of one host. Says the last record of a witness too. */
const WATCH = watchScript({
  pauseMs: 200,
  more: `more='- -' records=${NODE_PATHS.pool}/live/$volume/records
    [ ! -s "$records" ] || more=$(tail -n 1 "$records")`,
})

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
        this.#take(node, line, open)
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

  #take(node: string, line: string, open: Map<string, Hold>): void {
    const sample = readSample(line)
    if (sample === undefined) return
    const { at, volume, mayWrite, more } = sample
    const observed = this.of(volume)
    if (mayWrite) observed.samples++
    const hold = open.get(volume)
    if (!mayWrite) open.delete(volume)
    else if (hold !== undefined) hold.to = at
    else {
      const begun = { node, from: at, to: at }
      open.set(volume, begun)
      observed.holds.push(begun)
    }
    observed.shared.push(...sharedMoments(node, sample))
    const [number, task] = more
    if (number !== undefined && task !== undefined && /^\d+$/.test(number)) {
      observed.records.push({ node, number: Number(number), task, at })
    }
  }
}
