import { resolve } from 'node:path'
import { EXIT } from '../../model/errors.ts'
import { list, type Register } from '../program.ts'
import { throwIfFailed } from '../run-outcome.ts'
import type { CommonOptions } from '../session.ts'

interface Options extends CommonOptions {
  readonly check?: boolean
  readonly diff?: boolean
  readonly limit?: readonly string[]
  readonly tags?: readonly string[]
}

/** `lab run` */
export const register: Register = (cli) => {
  cli
    .command('run <playbook>', {
      summary: 'run a playbook of your own on the nodes',
      more: 'A TypeScript module that ends with: export default playbook({ ... }).',
      examples: [
        'lab run motd.ts',
        'lab run motd.ts --check --diff   only show what would change; exit code 2 if anything would',
        'lab run motd.ts --limit node1',
      ],
    })
    .option('--check', 'change nothing, show what would change')
    .option('--diff', 'show the lines of files that change')
    .option('--limit <nodes>', 'only these nodes, with commas between', list)
    .option('--tags <tags>', 'only plays with one of these tags', list)
    .action((file: string, { check = false, diff = false, limit, tags, ...options }: Options) =>
      cli.session.work(options, {
        command: `run ${file}${check ? ' --check' : ''}`,
        run: async (lab) => {
          const { runPlaybook } = await import('../../workflows/run.ts')
          const result = await runPlaybook(lab, { file: resolve(cli.io.cwd, file), check, diff, limit, tags })
          throwIfFailed(result)
          return check && result.changed + result.maybe > 0 ? EXIT.changesPending : EXIT.done
        },
      }),
    )
}
