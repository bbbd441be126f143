import type { Register } from '../../program.ts'
import { register as remove } from './delete.ts'
import { register as list } from './list.ts'
import { register as restore } from './restore.ts'
import { register as save } from './save.ts'

/** Every command of `lab snapshot`, as its help lists them. One file each beside this one. */
const COMMANDS: readonly Register[] = [save, list, restore, remove]

/** `lab snapshot` */
export const register: Register = (cli) => {
  const group = cli.group('snapshot', {
    summary: 'save the whole lab and bring it back',
    more: 'Nodes, swarm, apps, volumes and registry, as they are. Each command has its own help: lab snapshot COMMAND --help. All print JSON with --json.',
    examples: ['lab snapshot save before', 'lab snapshot restore before'],
  })
  for (const add of COMMANDS) add(group)
}
