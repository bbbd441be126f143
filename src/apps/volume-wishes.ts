import { nearest } from '../model/names.ts'
import { parseInterval } from '../model/interval.ts'
import { isHook, isKeep, REPLICA_EVERY, type VolumeHooks, type VolumeReplica } from '../model/volume-policy.ts'
import type { VolumeWishes } from '../model/volume-wishes.ts'
import type { ComposeVolume } from './compose-config.ts'
import type { Finding, Path } from './compose-file.ts'

/** How often a replica is brought up to date where a file does not say. */
const EVERY_MS = 10_000

/** What a file says of a volume, and what is wrong with it. */
export interface WishesReport {
  readonly wishes: VolumeWishes
  readonly problems: readonly Finding[]
}

/**
 * Pure: reads `replicate`, `keep` and `hooks` of a volume's `x-lab:`. `workers`: nodes that may have replicas; undefined
 * where that was judged before.
 */
export function volumeWishes(
  key: string,
  volume: ComposeVolume | null | undefined,
  workers?: readonly string[],
): WishesReport {
  const problems: Finding[] = []
  const add = (path: Path, message: string) => {
    problems.push({ path: ['volumes', key, 'x-lab', ...path], part: 'value', message })
  }
  const { replicate, keep, hooks } = volume?.['x-lab'] ?? {}
  const wishes: { -readonly [K in keyof VolumeWishes]: VolumeWishes[K] } = {}
  if (replicate !== undefined && replicate !== null) wishes.replicas = replicasOf(replicate, workers, add)
  if (keep !== undefined && keep !== null) {
    const counts = Object.fromEntries(Object.entries(keep).map(([schedule, count]) => [schedule, Number(count)]))
    if (isKeep(counts)) wishes.keep = counts
    else add(['keep'], 'a schedule is hourly, daily, weekly or monthly, and keeps 1 to 1000 snapshots')
  }
  if (hooks !== undefined && hooks !== null) {
    const read = (name: 'pre' | 'post'): VolumeHooks => {
      const hook = hooks[name]
      if (hook === undefined || hook === null) return {}
      const argv = typeof hook === 'string' ? ['sh', '-c', hook] : hook
      if (isHook(argv) && hook !== '') return { [name]: argv }
      add(['hooks', name], 'a hook is a command: a line for a shell, or a list of words')
      return {}
    }
    wishes.hooks = { ...read('pre'), ...read('post') }
  }
  return { wishes, problems }
}

function replicasOf(
  written: NonNullable<NonNullable<ComposeVolume['x-lab']>['replicate']>,
  workers: readonly string[] | undefined,
  add: (path: Path, message: string) => void,
): readonly VolumeReplica[] {
  const several = Array.isArray(written) ? (written as readonly unknown[]) : [written]
  const nodes = new Set<string>()
  return several.flatMap((each, index): VolumeReplica[] => {
    const at = (...path: Path): Path => ['replicate', ...(Array.isArray(written) ? [index] : []), ...path]
    const { to, every } = (each ?? {}) as { readonly to?: unknown; readonly every?: string | number }
    if (typeof to !== 'string' || to === '') {
      add(at(), 'say where the copy shall be: to: NODE')
      return []
    }
    if (workers !== undefined && !workers.includes(to)) {
      const near = nearest(to, workers)
      const hint = near === undefined ? `workers are ${workers.join(', ')}` : `did you mean "${near}"?`
      add(at('to'), `${to} is no node that runs apps; ${hint}`)
    }
    if (nodes.has(to)) add(at('to'), `${to} has a replica already: one a node`)
    nodes.add(to)
    const everyMs = every === undefined ? EVERY_MS : parseInterval(String(every))
    if (everyMs !== undefined && everyMs >= REPLICA_EVERY.leastMs && everyMs <= REPLICA_EVERY.mostMs) {
      return [{ node: to, everyMs }]
    }
    add(at('every'), `"${String(every)}" is not how often: write it like 10s, 5m or 1h, from 1s to 7d`)
    return []
  })
}
