import { Option } from 'commander'
import { confirmed } from '../confirm.ts'
import { list, type Register } from '../program.ts'
import { throwIfFailed } from '../run-outcome.ts'
import type { CommonOptions } from '../session.ts'

interface Options extends CommonOptions {
  readonly limit?: readonly string[]
  readonly tags?: readonly string[]
  readonly yes?: true
}

/** `lab up` */
export const register: Register = (cli) => {
  cli
    .command('up', {
      summary: 'create what is missing, converge everything',
      more: 'Safe to repeat, and to interrupt at any moment. Asks before it removes nodes that lab.yml no longer has; their volumes move to others first.',
      examples: [
        'lab up',
        'lab up --provider vagrant    of machines that Vagrant makes',
        'lab up --limit node1,node2   only these nodes',
        'lab up --tags logging        only the plays with this tag',
        'lab up --yes                 also remove nodes that lab.yml no longer has',
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
    .option('-y, --yes', 'remove nodes that lab.yml no longer has without asking')
    .action(({ limit, tags, yes, ...options }: Options) =>
      cli.session.work(options, {
        command: 'up',
        record: 'created',
        run: async (lab) => {
          const { up } = await import('../../workflows/up.ts')
          const agree = async (removed: readonly string[]) => {
            const question = {
              text: `lab.yml no longer has ${removed.join(', ')}: destroy it, once its volumes are moved to other nodes?`,
              refused: `${removed.join(', ')} is left as it is`,
              command: 'up',
              without: `lab up --yes removes ${removed.join(', ')}; to keep it, write it into lab.yml again`,
            }
            return yes ?? confirmed(lab, cli.io, options.json ?? false, question)
          }
          throwIfFailed(await up(lab, { agree, ...(limit && { limit }), ...(tags && { tags }) }))
        },
      }),
    )
}
