import { FactUnavailable, type FactQuery } from '../model/step.ts'

/** What a node takes of the machine it runs on, and may take at most. */
export interface NodeUse {
  /** Without what is kept of files and can be dropped at once. */
  readonly memoryBytes: number
  /** Undefined: as much as there is. */
  readonly memoryLimitBytes: number | undefined
  /** Processors' worth of time in the last moment: 1.5 is one and a half. */
  readonly cpus: number
  readonly cpusLimit: number | undefined
}

/** Between two looks at the processor time: three times the stretch in which a limit is kept. */
const WINDOW_S = 0.3

// A node in a container has its own control groups, of either version, at the root of what it sees; a machine of its own
// has no limit but itself.
const SCRIPT = `v1=/sys/fs/cgroup/memory v2=/sys/fs/cgroup
value() { [ ! -r "$2" ] || echo "$1 $(cat "$2")"; }
spent() {
  if [ -r $v2/cpu.stat ] && [ -r $v2/memory.current ]; then awk '$1 == "usage_usec" { printf "%s %d\\n", name, $2 }' name="$1" $v2/cpu.stat
  elif [ -r $v2/cpuacct/cpuacct.usage ]; then echo "$1 $(($(cat $v2/cpuacct/cpuacct.usage) / 1000))"
  else awk '$1 == "cpu" { printf "%s %d\\n", name, ($2 + $3 + $4 + $7 + $8) * 10000 }' name="$1" /proc/stat
  fi
  read -r up _ </proc/uptime
  echo "$1-at $up"
}
spent first
sleep ${String(WINDOW_S)}
spent second
if [ -r $v2/memory.current ]; then
  value used $v2/memory.current
  awk '$1 == "inactive_file" { print "cached", $2 }' $v2/memory.stat
  value limit $v2/memory.max
  value quota $v2/cpu.max
elif [ -r $v1/memory.usage_in_bytes ]; then
  value used $v1/memory.usage_in_bytes
  awk '$1 == "total_inactive_file" { print "cached", $2 }' $v1/memory.stat
  value limit $v1/memory.limit_in_bytes
  echo "quota $(cat $v2/cpu/cpu.cfs_quota_us) $(cat $v2/cpu/cpu.cfs_period_us)"
else
  awk '$1 == "MemTotal:" { total = $2 } $1 == "MemAvailable:" { print "used", (total - $2) * 1024; print "limit", total * 1024 }' /proc/meminfo
fi
echo "all $(awk '$1 == "MemTotal:" { print $2 * 1024 }' /proc/meminfo)"`

/** Memory and processor time of a node. Takes a moment, as time spent is a difference. */
export const nodeUse: FactQuery<NodeUse> = {
  key: 'node-use',
  script: SCRIPT,
  parse: ({ stdout }) => {
    const said = new Map([...stdout.matchAll(/^(\S+) (.*)$/gm)].map(([, word = '', value = '']) => [word, value]))
    const figure = (word: string) => Number(said.get(word) ?? Number.NaN)
    const seconds = figure('second-at') - figure('first-at')
    const memoryBytes = figure('used') - (said.has('cached') ? figure('cached') : 0)
    const cpus = (figure('second') - figure('first')) / 1e6 / seconds
    if (!Number.isFinite(memoryBytes) || !Number.isFinite(cpus)) {
      throw new FactUnavailable('the node does not say what it uses')
    }
    const [quota = 0, period = 0] = (said.get('quota') ?? '').split(' ').map(Number)
    const limit = figure('limit')
    return {
      memoryBytes: Math.max(0, memoryBytes),
      // Without a limit, control groups of the first version name a number that no machine has.
      memoryLimitBytes: limit <= figure('all') ? limit : undefined,
      cpus: Math.max(0, Math.round(cpus * 100) / 100),
      cpusLimit: quota > 0 && period > 0 ? quota / period : undefined,
    }
  },
}
