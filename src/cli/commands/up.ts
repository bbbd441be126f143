import { Option } from 'commander'
import { list, type Register } from '../program.ts'
import { throwIfFailed } from '../run-outcome.ts'
import type { CommonOptions } from '../session.ts'

interface Options extends CommonOptions {
  readonly limit?: readonly string[]
  readonly tags?: readonly string[]
}

/** `lab up` */
export const register: Register = (cli) => {
  cli
    .command('up', {
      summary: 'create what is missing, converge everything',
      more: 'Safe to repeat, and to interrupt at any moment.',
      examples: [
        'lab up',
        'lab up --provider vagrant    of machines that Vagrant makes',
        'lab up --limit node1,node2   only these nodes',
        'lab up --tags logging        only the plays with this tag',
      ],
    })
    .addOption(
      new Option('--provider <name>', 'what makes the machines, where there are none yet').choices([
        'docker',
        'vagrant',
      ]),
    )
    .option('--limit <nodes>', 'only these nodes, with commas between', list)
    .option('--tags <tags>', 'only plays with one of these tags', list)
    .action(({ limit, tags, ...options }: Options) =>
      cli.session.work(options, {
        command: 'up',
        record: 'created',
        run: async (lab) => {
          const { up } = await import('../../workflows/up.ts')
          throwIfFailed(await up(lab, { ...(limit && { limit }), ...(tags && { tags }) }))
        },
      }),
    )
}
