import type { FactQuery } from '../model/step.ts'
import { NODE_PATHS } from '../model/names.ts'

/** Where a node keeps whom it was cut off from: names, a line each. Gone with a reboot, as the rules are. */
export const PARTITION_FILE = `${NODE_PATHS.run}/partition`

/** Names of the nodes that `lab node partition` cut a node off from; none where it was not. */
export const partition: FactQuery<readonly string[]> = {
  key: 'partition',
  script: `cat ${PARTITION_FILE} 2>/dev/null; :`,
  parse: ({ stdout }) => stdout.split('\n').filter((line) => line !== ''),
}
