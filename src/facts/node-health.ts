import { FactUnavailable, type FactQuery } from '../model/step.ts'
import { NODE_PATHS } from '../model/names.ts'
import { PARTITION_FILE } from './partition.ts'

/** What a node says of itself, for somebody who looks for what is wrong. */
export interface NodeHealth {
  /** Its clock, milliseconds since 1970. */
  readonly timeMs: number
  /** State of its engine's unit: `active`, `failed`, `inactive`. */
  readonly engine: string
  /** Nodes that `lab node partition` cut it off from. */
  readonly cutOffFrom: readonly string[]
  /** What its edge answers: `200`, `503` where it reaches no task, `000` where it does not answer; absent without one. */
  readonly edge?: string
  /** Its filesystems, each once. */
  readonly disks: readonly NodeDisk[]
}

/** A filesystem of a node. */
export interface NodeDisk {
  /** The first of the looked-at directories that is on it. */
  readonly path: string
  readonly availableBytes: number
  readonly totalBytes: number
}

/** Only on nodes that have an edge, or had one. */
const EDGE_SCRIPT = '/usr/local/lib/lab/edge-ports'
const LOOKED_AT = ['/', '/var/lib/docker', NODE_PATHS.state, NODE_PATHS.pool]

/** Clock, engine, disks and partition of a node, in one cheap script. */
export const nodeHealth: FactQuery<NodeHealth> = {
  key: 'node-health',
  script: `date '+time %s%3N'
echo "engine $(systemctl is-active docker.service)"
sed 's/^/cut /' ${PARTITION_FILE} 2>/dev/null
[ ! -x ${EDGE_SCRIPT} ] || echo "edge $(${EDGE_SCRIPT} health)"
df -B 1 --output=source,size,avail,file ${LOOKED_AT.join(' ')} 2>/dev/null | sed '1d; s/  */ /g; s/^/disk /'
:`,
  parse: ({ stdout }) => {
    const lines = stdout.split('\n').map((line) => line.split(' '))
    const after = (word: string) => lines.filter(([first]) => first === word).map(([, ...rest]) => rest)
    const time = after('time')[0]?.[0]
    const engine = after('engine')[0]?.[0]
    if (time === undefined || engine === undefined) throw new FactUnavailable('the node says nothing of itself')
    const disks = new Map<string, NodeDisk>()
    for (const [device = '', total, available, path = ''] of after('disk')) {
      if (disks.has(device)) continue
      disks.set(device, { path, totalBytes: Number(total), availableBytes: Number(available) })
    }
    const edge = after('edge')[0]?.[0]
    return {
      timeMs: Number(time),
      engine,
      cutOffFrom: after('cut').flat(),
      ...(edge === undefined ? {} : { edge }),
      disks: [...disks.values()],
    }
  },
}
