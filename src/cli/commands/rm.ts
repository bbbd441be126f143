import type { Register } from '../program.ts'
import type { CommonOptions } from '../session.ts'

/** `lab rm` */
export const register: Register = (cli) => {
  cli
    .command('rm <app>', {
      summary: 'remove an app',
      more: 'Its volumes keep their data.',
      examples: ['lab rm nodeapp'],
    })
    .action((app: string, options: CommonOptions) =>
      cli.session.work(options, {
        command: `rm ${app}`,
        run: async (lab) => {
          const { removeApp } = await import('../../workflows/remove-app.ts')
          await removeApp(lab, { app })
        },
      }),
    )
}
