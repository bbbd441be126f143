import { confirmed } from '../../confirm.ts'
import { lostWithNodes } from '../../lost-with-nodes.ts'
import type { Register } from '../../program.ts'
import { throwIfFailed } from '../../run-outcome.ts'
import type { CommonOptions } from '../../session.ts'

/** `lab node rm` */
export const register: Register = (cli) => {
  cli
    .command('rm <nodes...>', {
      summary: 'take nodes out of lab.yml and destroy them',
      more: 'Their volumes move to other nodes first, with the services that use them. A node with the only copy of data is not destroyed. Asks first.',
      examples: ['lab node rm node4', 'lab node rm node4 --yes   do not ask'],
    })
    .option('-y, --yes', 'do not ask')
    .action((names: readonly string[], { yes, ...options }: CommonOptions & { readonly yes?: true }) =>
      cli.session.work(options, {
        command: `node rm ${names.join(' ')}`,
        asks: yes !== true,
        resume: '"lab up --yes" goes on from here where lab.yml has it no more, else the same again',
        run: async (lab) => {
          const { checkNodeNames } = await import('../../../workflows/with-nodes.ts')
          checkNodeNames(lab, names)
          const lost = yes ? '' : await lostWithNodes(lab, names)
          const question = {
            text: `Destroy ${names.join(', ')}, once its volumes are moved to other nodes${lost}?`,
            refused: 'nothing was changed',
            command: 'node rm',
            without: `${cli.session.typed()} --yes`,
          }
          if (!yes && !(await confirmed(lab, cli.io, options.json ?? false, question))) return
          const { removeLabNodes } = await import('../../../workflows/change-nodes.ts')
          throwIfFailed(await removeLabNodes(lab, names))
        },
      }),
    )
}
