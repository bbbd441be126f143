import { setTimeout } from 'node:timers/promises'
import type { Lab } from './lab.ts'

/** For how long nobody asks the lab anything. */
export const IDLE_MS = 60_000
/** What a run leaves to be done behind it is over by then. */
const SETTLE_MS = 20_000

/** Processor time of a node's control group so far, in nanoseconds: version 1 and version 2. */
const USED = `cat /sys/fs/cgroup/*cpuacct*/cpuacct.usage 2>/dev/null | head -n 1 | grep . ||
  awk '$1 == "usage_usec" { printf "%.0f\\n", $2 * 1000 }' /sys/fs/cgroup/cpu.stat`

/** How much of one processor all nodes of a lab use while nothing is asked of them, in percent. */
export async function idleCpu(lab: Lab): Promise<number> {
  const used = async () => (await lab.everywhere(USED)).reduce((sum, each) => sum + Number(each), 0)
  await setTimeout(SETTLE_MS, undefined, { signal: lab.signal })
  const before = await used()
  const started = performance.now()
  await setTimeout(IDLE_MS, undefined, { signal: lab.signal })
  const passedMs = performance.now() - started
  return (((await used()) - before) / 1e6 / passedMs) * 100
}
