import { confirmed } from '../../confirm.ts'
import type { Register } from '../../program.ts'
import type { CommonOptions } from '../../session.ts'

interface Options extends CommonOptions {
  readonly yes?: true
}

/** `lab snapshot restore` */
export const register: Register = (cli) => {
  cli
    .command('restore <saved>', {
      summary: 'make the lab what it was in a snapshot',
      more: 'What the nodes hold now is lost; asks first where there are any. Works after "lab destroy", too. Interrupted, the same command does the rest.',
      examples: ['lab snapshot restore before', 'lab snapshot restore before --yes   do not ask'],
    })
    .option('-y, --yes', 'do not ask')
    .action((name: string, { yes, ...options }: Options) =>
      cli.session.work(options, {
        command: `snapshot restore ${name}`,
        run: async (lab) => {
          const [{ findSnapshot }, { restoreSnapshot }] = await Promise.all([
            import('../../../workflows/snapshot.ts'),
            import('../../../workflows/restore-snapshot.ts'),
          ])
          const { createdAt } = await findSnapshot(lab, name)
          const nodes = (await lab.machines()).map((machine) => machine.name).join(', ')
          const asked = {
            text: `Replace ${nodes} of "${lab.lab.name}" with all their data by what they were at ${createdAt}?`,
            refused: 'nothing was changed',
            command: 'snapshot restore',
            without: `${cli.session.typed()} --yes`,
          }
          if (nodes !== '' && !yes && !(await confirmed(lab, cli.io, options.json ?? false, asked))) return
          await restoreSnapshot(lab, name)
        },
      }),
    )
}
