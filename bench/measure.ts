import { appendFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The middle one; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('a median of nothing')
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const at = (index: number) => sorted[index] ?? Number.NaN
  return Number.isInteger(middle) ? (at(middle - 1) + at(middle)) / 2 : at(Math.floor(middle))
}

/** Wall time of `work`, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** One side of a comparison: makes what it needs, unmeasured, and answers with its own figure. */
export type Side = () => Promise<number>

/**
 * Runs every side once a round, each round beginning with another one: whatever else the machine does meanwhile, and
 * whatever one side leaves warm for the next, falls on all of them alike.
 */
export async function interleave<K extends string>(
  rounds: number,
  sides: Readonly<Record<K, Side>>,
  say: (text: string) => void,
): Promise<Record<K, number[]>> {
  const names = Object.keys(sides) as K[]
  const figures = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>
  for (let round = 0; round < rounds; round++) {
    const first = round % names.length
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      say(`${String(round + 1)}/${String(rounds)} ${name}`)
      figures[name].push(await sides[name]())
    }
  }
  return figures
}

const PEAK = `import { appendFileSync } from 'node:fs'
process.on('exit', () => appendFileSync(process.env.BENCH_PEAK, process.resourceUsage().maxRSS + '\\n'))
`

/**
 * Peak resident memory, in MiB, of the largest Node process that `work` starts: it is given the environment under which
 * they write it down. Slower than without, so never part of a timing.
 */
export async function peakMemory(
  temporary: string,
  work: (env: Readonly<Record<string, string>>) => Promise<unknown>,
): Promise<number> {
  const file = join(temporary, 'peak')
  const script = join(temporary, 'peak.mjs')
  await rm(script, { force: true })
  await appendFile(script, PEAK)
  await rm(file, { force: true })
  await work({ NODE_OPTIONS: `--import=${pathToFileURL(script).href}`, BENCH_PEAK: file })
  const kibibytes = (await readFile(file, 'utf8')).trim().split('\n').map(Number)
  return Math.max(...kibibytes) / 1024
}
