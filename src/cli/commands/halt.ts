import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab halt` */
export const register: Register = (cli) => {
  cli
    .command('halt', {
      summary: 'stop the nodes',
      more: '`lab up` starts them again with everything on them.',
      examples: ['lab halt'],
    })
    .action((options: CommonOptions) =>
      cli.session.work(options, {
        command: 'halt',
        run: async (lab) => {
          const { halt } = await import('../../workflows/halt.ts')
          await halt(lab)
        },
      }),
    )
}
