import { NODE_PATHS } from '../model/names.ts'
import { quote } from '../shell/quote.ts'
import { holdsOf, overlaps, watchScript, type Hold } from '../volumes/writer-watch.ts'
import type { OpenLab } from './open-lab.ts'

const UNIT = 'lab-chaos-watch'
/** Kept over a power cut; written by the node itself, whatever becomes of its network. */
const FILE = `${NODE_PATHS.state}/chaos-watch`
const PAUSE_MS = 250
const SCRIPT_MS = 30_000

/** Has nodes note who may write to which volume, until {@link endWriterWatch}, or for that long at most. */
export async function watchWriters(open: OpenLab, nodes: readonly string[], forMs: number): Promise<void> {
  const seconds = String(Math.ceil(forMs / 1000))
  const start = `systemctl is-active --quiet ${UNIT} || systemd-run --quiet --collect --unit=${UNIT} \\
  --property=RuntimeMaxSec=${seconds} --property=StandardOutput=append:${FILE} bash -c "$1"`
  // systemd would put values of its own in the place of ${...}; a double sign stands for the sign itself.
  const watch = watchScript({ pauseMs: PAUSE_MS }).replaceAll('$', '$$$$')
  await Promise.all(
    nodes.map(async (node) => {
      const connection = await open.connect(node)
      await connection.exec({ argv: ['sh', '-euc', start, 'watch', watch], timeoutMs: SCRIPT_MS })
    }),
  )
}

/** What the nodes noted. */
export interface WritersSeen {
  readonly volumes: readonly string[]
  /** Times at which more than one node could write, and nodes that cannot tell, in words. */
  readonly violations: readonly string[]
}

/** Ends the watch, takes what it noted and leaves nothing of it. */
export async function endWriterWatch(
  open: OpenLab,
  nodes: readonly string[],
  aheadMs: ReadonlyMap<string, number>,
): Promise<WritersSeen> {
  const script = `systemctl stop ${UNIT} 2>/dev/null; cat ${quote(FILE)} 2>/dev/null; rm -f ${quote(FILE)}`
  const holds = new Map<string, Hold[]>()
  const blind: string[] = []
  await Promise.all(
    nodes.map(async (node) => {
      const { stdout } = await (await open.connect(node)).exec({ argv: ['sh', '-c', script], timeoutMs: SCRIPT_MS })
      if (!/^\d/.test(stdout)) blind.push(`${node} noted nothing of who could write there`)
      for (const [volume, seen] of holdsOf(node, stdout.split('\n'), aheadMs.get(node))) {
        holds.set(volume, [...(holds.get(volume) ?? []), ...seen])
      }
    }),
  )
  return {
    volumes: [...holds.keys()].sort(),
    violations: [
      ...blind,
      ...[...holds].flatMap(([volume, seen]) => overlaps(seen).map((each) => `${volume}: ${each}`)),
    ],
  }
}
