import type { Register } from '../../program.ts'
import { register as kill } from './kill.ts'
import { register as start } from './start.ts'
import { register as stop } from './stop.ts'

/** Every command of `lab node`, as its help lists them. One file each beside this one. */
const COMMANDS: readonly Register[] = [stop, start, kill]

/** `lab node` */
export const register: Register = (cli) => {
  const group = cli.group('node', {
    summary: 'stop, start and kill single nodes',
    more: 'Each command has its own help: lab node COMMAND --help. All print JSON with --json.',
    examples: ['lab node kill node2', 'lab node start node2'],
  })
  for (const add of COMMANDS) add(group)
}
