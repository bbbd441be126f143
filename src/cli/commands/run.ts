import { dirname, resolve } from 'node:path'
import { EXIT } from '../../model/errors.ts'
import { askBeforeChanges } from '../ask-before-changes.ts'
import { keyValue, list, type Register } from '../program.ts'
import { throwIfFailed } from '../run-outcome.ts'
import type { CommonOptions } from '../session.ts'

interface Options extends CommonOptions {
  readonly check?: boolean
  readonly diff?: boolean
  readonly limit?: readonly string[]
  readonly tags?: readonly string[]
  readonly list?: true
  readonly step?: true
  readonly startAt?: string
  readonly var?: Readonly<Record<string, string>>
}

/** `lab run` */
export const register: Register = (cli) => {
  cli
    .command('run <playbook>', {
      summary: 'run a playbook of your own on the nodes',
      more: 'A TypeScript module that ends with: export default playbook({ ... }). The lab is that of the working directory, else that of the playbook.',
      examples: [
        'lab run motd.ts',
        'lab run motd.ts --check --diff       only show what would change; exit code 2 if anything would',
        'lab run motd.ts --limit web,node1    only on nodes of the group web and on node1',
        'lab run motd.ts --list               the plays, their nodes and steps; no node is asked',
        'lab run motd.ts --step               ask before each change',
        "lab run motd.ts --start-at 'write'   begin with the first step whose title starts so",
        'lab run motd.ts --var version=2      set a variable that the playbook declares',
      ],
    })
    .option('--check', 'change nothing, show what would change')
    .option('--diff', 'show the lines of files that change')
    .option('--limit <nodes>', 'only these nodes, groups or roles, with commas between', list)
    .option('--tags <tags>', 'only plays with one of these tags', list)
    .option('--list', 'print plays, nodes and steps, and do nothing')
    .option('--step', 'ask before each change')
    .option('--start-at <title>', 'begin with the step of this title, or the first that starts so')
    .option('--var <name=value>', 'set a variable of the playbook; may be given several times', keyValue)
    .action(async (typed: string, options: Options) => {
      const { check = false, diff = false, limit, tags, startAt, var: vars, list: listing, step, ...common } = options
      const file = resolve(cli.io.cwd, typed)
      const near = dirname(file)
      const choice = { file, limit, tags, startAt, vars }
      if (listing) {
        await cli.session.query(
          { ...common, near },
          async (lab) => (await import('../../workflows/run.ts')).outlinePlaybook(lab, choice),
          async (outline, screen) => (await import('../../reporters/outline-view.ts')).renderOutline(outline, screen),
        )
        return
      }
      const confirm = step ? askBeforeChanges(cli.io, common.json ?? false, cli.session.signal) : undefined
      await cli.session.work(common, {
        command: `run ${typed}${check ? ' --check' : ''}`,
        diff,
        asks: confirm !== undefined,
        near,
        run: async (lab) => {
          const { runPlaybook } = await import('../../workflows/run.ts')
          const again = cli.session.typed('--limit')
          const result = await runPlaybook(lab, { ...choice, again, check, diff, confirm: check ? undefined : confirm })
          throwIfFailed(result)
          return check && result.changed + result.maybe > 0 ? EXIT.changesPending : EXIT.done
        },
      })
    })
}
