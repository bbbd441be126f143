import type { Register } from '../../program.ts'
import { register as clone } from './clone.ts'
import { register as create } from './create.ts'
import { register as destroy } from './destroy.ts'
import { register as diff } from './diff.ts'
import { register as exportTo } from './export.ts'
import { register as importFrom } from './import.ts'
import { register as inspect } from './inspect.ts'
import { register as list } from './list.ts'
import { register as move } from './move.ts'
import { register as promote } from './promote.ts'
import { register as replicate } from './replicate.ts'
import { register as resize } from './resize.ts'
import { register as rollback } from './rollback.ts'
import { register as schedule } from './schedule.ts'
import { register as snapshot } from './snapshot.ts'
import { register as snapshots } from './snapshots.ts'
import { register as verify } from './verify.ts'
import { register as watch } from './watch.ts'

/** Every command of `lab volume`, as its help lists them. One file each beside this one. */
const COMMANDS: readonly Register[] = [
  list,
  inspect,
  create,
  resize,
  destroy,
  snapshot,
  snapshots,
  rollback,
  clone,
  move,
  replicate,
  promote,
  watch,
  schedule,
  diff,
  exportTo,
  importFrom,
  verify,
]

/** `lab volume` */
export const register: Register = (cli) => {
  const group = cli.group('volume', {
    summary: 'make, look at, copy and move data volumes',
    more: 'Each command has its own help: lab volume COMMAND --help. All print JSON with --json. A volume goes by its name, or by the app or service that has it.',
    examples: ['lab volume list', 'lab volume snapshot mongo before-upgrade', 'lab volume clone mongo mongo-test'],
  })
  for (const add of COMMANDS) add(group)
}
