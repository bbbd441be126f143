import type { Register } from '../../program.ts'
import { register as list } from './list.ts'
import { register as promote } from './promote.ts'
import { register as replicate } from './replicate.ts'
import { register as schedule } from './schedule.ts'

/** Every command of `lab volume`, as its help lists them. One file each beside this one. */
const COMMANDS: readonly Register[] = [list, replicate, promote, schedule]

/** `lab volume` */
export const register: Register = (cli) => {
  const group = cli.group('volume', {
    summary: 'make, look at, copy and move data volumes',
    more: 'Each command has its own help: lab volume COMMAND --help. All print JSON with --json.',
    examples: ['lab volume list', 'lab volume list --json'],
  })
  for (const add of COMMANDS) add(group)
}
