import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab restart` */
export const register: Register = (cli) => {
  cli
    .command('restart <service>', {
      summary: 'replace the tasks of a service by new ones',
      more: 'One after the other, so that a service with several never stops answering.',
      examples: ['lab restart nodeapp'],
    })
    .action((service: string, options: CommonOptions) =>
      cli.session.work(options, {
        command: `restart ${service}`,
        run: async (lab) => {
          const { restart } = await import('../../workflows/restart.ts')
          await restart(lab, { service })
        },
      }),
    )
}
