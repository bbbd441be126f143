import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

/** `lab node kill` */
export const register: Register = (cli) => {
  cli
    .command('kill <nodes...>', {
      summary: 'cut the power of nodes',
      more: 'No shutdown, nothing is written any more: what a node that dies looks like to the others.',
      examples: ['lab node kill node2'],
    })
    .action((nodes: readonly string[], options: CommonOptions) =>
      cli.session.work(options, {
        command: `node kill ${nodes.join(' ')}`,
        run: async (lab) => {
          const { killNodes } = await import('../../../workflows/node-power.ts')
          await killNodes(lab, nodes)
        },
      }),
    )
}
