import { EXIT } from '../../model/errors.ts'
import type { Register } from '../program.ts'
import { throwIfFailed } from '../run-outcome.ts'
import type { CommonOptions } from '../session.ts'

interface Options extends CommonOptions {
  readonly diff?: boolean
}

/** `lab plan` */
export const register: Register = (cli) => {
  cli
    .command('plan', {
      summary: 'show what `up` would change',
      more: 'Changes nothing. The exit code is 2 if anything would change.',
      examples: ['lab plan', 'lab plan --diff   the lines of files that would change as well'],
    })
    .option('--diff', 'show the lines of files that would change')
    .action(({ diff = false, ...options }: Options) =>
      cli.session.work(options, {
        command: 'plan',
        diff,
        run: async (lab) => {
          const { plan } = await import('../../workflows/plan.ts')
          const result = await plan(lab, { diff })
          throwIfFailed(result)
          return result.pending > 0 ? EXIT.changesPending : EXIT.done
        },
      }),
    )
}
