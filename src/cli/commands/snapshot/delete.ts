import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

/** `lab snapshot delete` */
export const register: Register = (cli) => {
  cli
    .command('delete <saved>', {
      summary: 'remove a snapshot; the lab stays as it is',
      examples: ['lab snapshot delete before'],
    })
    .action((name: string, options: CommonOptions) =>
      cli.session.work(options, {
        command: `snapshot delete ${name}`,
        run: async (lab) => {
          const { deleteSnapshot } = await import('../../../workflows/snapshot.ts')
          await deleteSnapshot(lab, name)
        },
      }),
    )
}
