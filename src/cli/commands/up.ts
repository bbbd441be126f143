import { Option } from 'commander'
import { confirmed } from '../confirm.ts'
import { lostWithNodes } from '../lost-with-nodes.ts'
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
      more: 'Safe to repeat, and to interrupt at any moment. Asks before it removes nodes or disks that lab.yml no longer has; volumes move to other nodes first, and what is on disks is lost.',
      examples: [
        'lab up',
        'lab up --provider vagrant    of machines that Vagrant makes',
        'lab up --limit node1,node2   only these nodes are converged',
        'lab up --tags logging        only the plays with this tag',
        'lab up --yes                 also remove nodes and disks that lab.yml no longer has',
      ],
    })
    .addOption(
      new Option('--provider <name>', 'what makes the machines, where there are none yet').choices([
        'docker',
        'vagrant',
      ]),
    )
    .option('--limit <nodes>', 'converge only these nodes, with commas between; machines are started for all', list)
    .option('--tags <tags>', 'only plays with one of these tags', list)
    .option('-y, --yes', 'remove nodes and disks that lab.yml no longer has without asking')
    .action(({ limit, tags, yes, ...options }: Options) =>
      cli.session.work(options, {
        command: 'up',
        record: 'created',
        run: async (lab) => {
          const { up } = await import('../../workflows/up.ts')
          const agree = async (removed: readonly string[]) => {
            const lost = yes ? '' : await lostWithNodes(lab, removed)
            const question = {
              text: `lab.yml no longer has ${removed.join(', ')}: destroy it, once its volumes are moved to other nodes${lost}?`,
              refused: `${removed.join(', ')} is left as it is`,
              command: 'up',
              without: `lab up --yes removes ${removed.join(', ')}; to keep it, write it into lab.yml again`,
            }
            return (yes ?? (await confirmed(lab, cli.io, options.json ?? false, question))) ? removed : []
          }
          const agreeToDisks = async (removed: readonly { readonly node: string; readonly disk: string }[]) => {
            const all = removed.map(({ node, disk }) => `${disk} of ${node}`).join(', ')
            const question = {
              text: `lab.yml no longer has the disk ${all}: destroy it, with all that is on it?`,
              refused: `the disk ${all} is left as it is`,
              command: 'up',
              without: `lab up --yes destroys the disk ${all}; to keep it, write it into lab.yml again`,
            }
            return yes ?? confirmed(lab, cli.io, options.json ?? false, question)
          }
          const again = cli.session.typed('--limit')
          throwIfFailed(await up(lab, { agree, agreeToDisks, again, ...(limit && { limit }), ...(tags && { tags }) }))
        },
      }),
    )
}
