import { NODE_PATHS } from '../model/names.ts'
import type { FactQuery } from '../model/step.ts'

/** The pool of a node: the size of its file, and what is in it. */
export interface NodePool {
  readonly driver: string
  readonly sizeBytes: number
  readonly usedBytes: number
}

/** Size of the node's pool; undefined where it has none. */
export const poolSize: FactQuery<NodePool | undefined> = {
  key: 'pool-size',
  script: `for image in ${NODE_PATHS.state}/pool-*.img; do
  [ -e "$image" ] || continue
  driver=$(readlink /usr/local/lib/lab/volume-driver | sed 's/.*-//')
  printf '%s %s %s\n' "\${driver:-btrfs}" "$(stat -c %s "$image")" "$(df -P -B 1 ${NODE_PATHS.pool} | awk 'NR == 2 { print $3 }')"
done
:`,
  parse: ({ stdout }) => {
    const [driver, size, used] = stdout.trim().split(' ')
    if (driver === undefined || size === undefined) return undefined
    return { driver, sizeBytes: Number(size), usedBytes: Number(used) }
  },
}
