import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab demo` */
export const register: Register = (cli) => {
  cli
    .command('demo', {
      summary: 'all of it in one go, with a summary and the URL',
      more: 'Brings the lab up, deploys the sample, scales it, writes through it and moves its data to another node.',
      examples: ['lab demo'],
    })
    .action((options: CommonOptions) =>
      cli.session.work(options, {
        command: 'demo',
        record: 'created',
        run: async (lab) => {
          const { demo } = await import('../../workflows/demo.ts')
          await demo(lab)
        },
      }),
    )
}
