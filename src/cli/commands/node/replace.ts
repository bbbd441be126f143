import { confirmed } from '../../confirm.ts'
import { lostWithNodes } from '../../lost-with-nodes.ts'
import type { Register } from '../../program.ts'
import { throwIfFailed } from '../../run-outcome.ts'
import type { CommonOptions } from '../../session.ts'

/** `lab node replace` */
export const register: Register = (cli) => {
  cli
    .command('replace <node>', {
      summary: 'make the machine of a node anew',
      more: 'For one that is broken, or was made with other limits than lab.yml has now. Its volumes move to other nodes first; a manager that is lost is taken off the list of those that have to agree. Asks first.',
      examples: ['lab node replace node2', 'lab node replace node2 --yes   do not ask'],
    })
    .option('-y, --yes', 'do not ask')
    .action((name: string, { yes, ...options }: CommonOptions & { readonly yes?: true }) =>
      cli.session.work(options, {
        command: `node replace ${name}`,
        asks: yes !== true,
        run: async (lab) => {
          const { checkNodeNames } = await import('../../../workflows/with-nodes.ts')
          checkNodeNames(lab, [name])
          const lost = yes ? '' : await lostWithNodes(lab, [name])
          const question = {
            text: `Destroy ${name} and make it anew, once its volumes are moved to other nodes${lost}?`,
            refused: 'nothing was changed',
            command: 'node replace',
            without: `${cli.session.typed()} --yes`,
          }
          if (!yes && !(await confirmed(lab, cli.io, options.json ?? false, question))) return
          const { replaceNode } = await import('../../../workflows/change-nodes.ts')
          throwIfFailed(await replaceNode(lab, name))
        },
      }),
    )
}
