import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

/** `lab node stop` */
export const register: Register = (cli) => {
  cli
    .command('stop <nodes...>', {
      summary: 'shut nodes down',
      more: 'Their apps start on other nodes where they can; a volume stays where it is.',
      examples: ['lab node stop node2', 'lab node stop node2 node3'],
    })
    .action((nodes: readonly string[], options: CommonOptions) =>
      cli.session.work(options, {
        command: `node stop ${nodes.join(' ')}`,
        run: async (lab) => {
          const { stopNodes } = await import('../../../workflows/node-power.ts')
          await stopNodes(lab, nodes)
        },
      }),
    )
}
