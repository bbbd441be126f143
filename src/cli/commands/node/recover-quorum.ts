import { confirmed } from '../../confirm.ts'
import type { Register } from '../../program.ts'
import { throwIfFailed } from '../../run-outcome.ts'
import type { CommonOptions } from '../../session.ts'

/** `lab node recover-quorum` */
export const register: Register = (cli) => {
  cli
    .command('recover-quorum [node]', {
      summary: 'let one manager lead on after most were lost',
      more: 'For a lab with several managers of which more than half will not come back: nothing can be deployed or moved then, though apps run on. One manager that is left becomes the whole of them, with the services and volumes it knows; what the lost ones agreed on without it is gone. Then "lab up" makes the others anew. If they may come back, start them instead. Asks first.',
      examples: ['lab node recover-quorum', 'lab node recover-quorum m2 --yes   this one leads on; do not ask'],
    })
    .option('-y, --yes', 'do not ask')
    .action((name: string | undefined, { yes, ...options }: CommonOptions & { readonly yes?: true }) =>
      cli.session.work(options, {
        command: 'node recover-quorum',
        asks: yes !== true,
        run: async (lab) => {
          const { findSurvivor, recoverQuorum } = await import('../../../workflows/recover-quorum.ts')
          const survivor = await findSurvivor(lab, name)
          const question = {
            text: `Let ${survivor.name} lead alone, and give up what the other managers know?`,
            refused: 'nothing was changed',
            command: 'node recover-quorum',
            without: `lab node recover-quorum ${survivor.name} --yes`,
          }
          if (!yes && !(await confirmed(lab, cli.io, options.json ?? false, question))) return
          await recoverQuorum(lab, survivor)
          lab.refresh()
          const { up } = await import('../../../workflows/up.ts')
          throwIfFailed(await up(lab))
        },
      }),
    )
}
