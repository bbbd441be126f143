import type { Register } from '../../program.ts'
import { register as activate } from './activate.ts'
import { register as add } from './add.ts'
import { register as drain } from './drain.ts'
import { register as heal } from './heal.ts'
import { register as kill } from './kill.ts'
import { register as partition } from './partition.ts'
import { register as pause } from './pause.ts'
import { register as recoverQuorum } from './recover-quorum.ts'
import { register as replace } from './replace.ts'
import { register as rm } from './rm.ts'
import { register as start } from './start.ts'
import { register as stop } from './stop.ts'

/** Every command of `lab node`, as its help lists them. One file each beside this one. */
const COMMANDS: readonly Register[] = [
  add,
  rm,
  replace,
  stop,
  start,
  kill,
  drain,
  activate,
  pause,
  partition,
  heal,
  recoverQuorum,
]

/** `lab node` */
export const register: Register = (cli) => {
  const group = cli.group('node', {
    summary: 'add, remove, replace, stop, drain or cut off nodes',
    more: 'Each command has its own help: lab node COMMAND --help. All print JSON with --json.',
    examples: ['lab node kill node2', 'lab node start node2', 'lab node drain node3 --evacuate'],
  })
  for (const add of COMMANDS) add(group)
}
