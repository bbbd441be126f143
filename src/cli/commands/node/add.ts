import { list, type Register } from '../../program.ts'
import { throwIfFailed } from '../../run-outcome.ts'
import type { CommonOptions } from '../../session.ts'

interface Options extends CommonOptions {
  readonly roles?: readonly string[]
  readonly memory?: string
  readonly cpus?: string
}

/** `lab node add` */
export const register: Register = (cli) => {
  cli
    .command('add <name>', {
      summary: 'write a node into lab.yml and bring it up',
      more: 'Comments of the file stay. A role or size that lab.yml would refuse is refused, with nothing changed.',
      examples: ['lab node add node4', 'lab node add big --memory 4GiB --cpus 2', 'lab node add mgmt2 --roles manager'],
    })
    .option('--roles <roles>', 'what it is for, with commas between; worker when absent', list)
    .option('--memory <size>', 'memory limit, such as 2GiB')
    .option('--cpus <number>', 'processors, such as 1.5')
    .action((name: string, { roles = ['worker'], memory, cpus, ...options }: Options) =>
      cli.session.work(options, {
        command: `node add ${name}`,
        resume: '"lab up" goes on from here where lab.yml has the node, else the same again',
        run: async (lab) => {
          const { addLabNode } = await import('../../../workflows/change-nodes.ts')
          const node = { name, roles, memory, cpus: cpus === undefined ? undefined : Number(cpus) }
          throwIfFailed(await addLabNode(lab, node))
        },
      }),
    )
}
