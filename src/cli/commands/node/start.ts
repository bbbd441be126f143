import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

/** `lab node start` */
export const register: Register = (cli) => {
  cli
    .command('start <nodes...>', {
      summary: 'start nodes that are off',
      more: 'Waits until what belongs on them is back.',
      examples: ['lab node start node2'],
    })
    .action((nodes: readonly string[], options: CommonOptions) =>
      cli.session.work(options, {
        command: `node start ${nodes.join(' ')}`,
        run: async (lab) => {
          const { startNodes } = await import('../../../workflows/node-power.ts')
          await startNodes(lab, nodes)
        },
      }),
    )
}
